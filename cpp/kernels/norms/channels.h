// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums and statistics per channel of arrays [rows, channels], rows being all positions of all
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

// In one go on the calling thread:

/// As ChannelSums.
void SumRows(const ChannelLayout& layout, const float* x, float* sums);

/// As ChannelMoments, with the sum of (x - mean[c])² in `squares`.
void MomentsOfRows(const ChannelLayout& layout, const float* x, float* mean, float* squares);

/// As ChannelGradientSums.
void GradientSumsOfRows(const ChannelLayout& layout, const float* x, const float* mean,
                        const float* grad, float* sums, float* products);

/// x[row, c] += addend[c] for rows [first, last).
void AddToRows(std::int64_t channels, std::int64_t first, std::int64_t last, const float* addend,
               float* x);

}  // namespace espalier
