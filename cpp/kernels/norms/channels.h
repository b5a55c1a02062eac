// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums and statistics per channel of arrays [rows, channels], rows being all positions of all
// examples.
//
// Rows are cut into chunks by the layout alone; the chunks' results are combined in order,
// so that no bit depends on the number of workers.

#include <cstdint>

#include "core/thread_pool.h"
#include "kernels/elementwise/activation.h"
#include "kernels/norms/batch_normalization.h"

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

/// sums[c] of grad, and products[c] of grad·(x - mean[c]), with grad the gradient by the arguments
/// of `scaling`'s activation and `grad_y` that by its results. These are made again from x: only
/// where IsPiecewiseLinear, and without a residual. With no activation grad is grad_y.
void ChannelGradientSums(const ChannelLayout& layout, const ChannelScaling& scaling, const float* x,
                         const float* grad_y, float* sums, float* products, float* partials,
                         Workspace& workspace);

/// The gradient by the results `y` of an activation, and where that by its arguments goes.
struct ResultGradient {
  Activation activation;  // where HasGradientByResult
  float slope;
  const float* y;
  const float* grad_y;
  float* grad;  // may be grad_y
};

/// Writes the gradient by the arguments of rows [first, last).
void GradientOfRows(const ResultGradient& gradient, std::int64_t channels, std::int64_t first,
                    std::int64_t last);

/// The same sums of the gradient by an activation's arguments, which is written: where its results
/// are read.
void ChannelGradientSums(const ChannelLayout& layout, const float* x, const float* mean,
                         const ResultGradient& gradient, float* sums, float* products,
                         float* partials, Workspace& workspace);

// In one go on the calling thread:

/// As ChannelSums.
void SumRows(const ChannelLayout& layout, const float* x, float* sums);

/// As ChannelMoments, with the sum of (x - mean[c])² in `squares`.
void MomentsOfRows(const ChannelLayout& layout, const float* x, float* mean, float* squares);

/// As ChannelGradientSums without an activation.
void GradientSumsOfRows(const ChannelLayout& layout, const float* x, const float* mean,
                        const float* grad, float* sums, float* products);

/// x[row, c] += addend[c] for rows [first, last).
void AddToRows(std::int64_t channels, std::int64_t first, std::int64_t last, const float* addend,
               float* x);

}  // namespace espalier
