// SPDX-License-Identifier: Apache-2.0
#pragma once

// Normalization of each row of a matrix by its own mean and variance.

#include <cstdint>

namespace espalier {

/// x̂ = (x - mean[row]) / √(variance[row] + epsilon), y = weight[j]·x̂ + bias[j].
struct RowNormalization {
  std::int64_t columns;
  float epsilon;
  const float* mean;      // [rows], RowMoments
  const float* variance;  // [rows]
  const float* weight;    // [columns]
  const float* bias;      // [columns]; not read by gradients
};

/// mean[row], and variance[row] = mean of (x - mean[row])², in two passes, for rows
/// [first, last).
void RowMoments(std::int64_t columns, std::int64_t first, std::int64_t last, const float* x,
                float* mean, float* variance);

/// y, for rows [first, last).
void NormalizeRows(const RowNormalization& normalization, std::int64_t first, std::int64_t last,
                   const float* x, float* y);

/// The gradient of x for rows [first, last): with h = grad_y·weight, h̄ the mean of h and p
/// that of h·x̂ over the row, (h - h̄ - x̂·p) / √(variance + epsilon).
void NormalizeRowsBackward(const RowNormalization& normalization, std::int64_t first,
                           std::int64_t last, const float* x, const float* grad_y, float* grad_x);

/// grad_weight[j] = sum over rows of grad_y·x̂, grad_bias[j] of grad_y, for columns
/// [first, last), from the first row to the last. Either may be null.
void NormalizeRowsBackwardParameters(const RowNormalization& normalization, std::int64_t rows,
                                     std::int64_t first, std::int64_t last, const float* x,
                                     const float* grad_y, float* grad_weight, float* grad_bias);

}  // namespace espalier
