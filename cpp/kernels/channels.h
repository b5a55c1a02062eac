// SPDX-License-Identifier: Apache-2.0
#pragma once

// Statistics per channel of arrays [rows, channels], rows being all positions of all
// examples.
//
// Rows are cut into chunks by the layout alone; the chunks' results are combined in order,
// so that no bit depends on the number of workers.

#include <cstdint>

#include "core/thread_pool.h"

namespace espalier {

struct ChannelLayout {
  std::int64_t rows;
  std::int64_t channels;
};

/// Floats of `partials` that the functions below need. Grows with the rows.
std::int64_t ChannelPartialFloats(const ChannelLayout& layout);

/// sums[c]: of all elements of channel c.
void ChannelSums(const ChannelLayout& layout, const float* x, float* sums, float* partials,
                 Workspace& workspace);

/// mean[c], and variance[c] = mean of (x - mean[c])². Each chunk is centered on its own mean
/// while it is in the cache: one pass through memory that loses no digits where the mean is
/// large.
void ChannelMoments(const ChannelLayout& layout, const float* x, float* mean, float* variance,
                    float* partials, Workspace& workspace);

/// sums[c] of grad, and products[c] of grad·(x - mean[c]).
void ChannelGradientSums(const ChannelLayout& layout, const float* x, const float* mean,
                         const float* grad, float* sums, float* products, float* partials,
                         Workspace& workspace);

/// As ChannelSums, in one go on the calling thread.
void SumRows(const ChannelLayout& layout, const float* x, float* sums);

}  // namespace espalier
