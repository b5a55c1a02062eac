// SPDX-License-Identifier: Apache-2.0
#pragma once

// Normalization of each row of a matrix by its root mean square.

#include <cstdint>

namespace espalier {

/// y[j] = weight[j] · x[j] · scale[row], scale = 1 / √(mean of x² + epsilon).
struct RmsNormalization {
  std::int64_t columns;
  float epsilon;        // not read by gradients
  const float* weight;  // [columns]
};

/// y, and scale[row] unless `scale` is null, for rows [first, last).
void RmsNormalizeRows(const RmsNormalization& normalization, std::int64_t first, std::int64_t last,
                      const float* x, float* y, float* scale);

/// The gradient of x for rows [first, last): with h = grad_y·weight and p the mean of h·x over the
/// row, scale · (h - x · p · scale²).
void RmsNormalizeRowsBackward(const RmsNormalization& normalization, std::int64_t first,
                              std::int64_t last, const float* x, const float* scale,
                              const float* grad_y, float* grad_x);

/// grad_weight[j] = sum over rows of grad_y · x · scale, for columns [first, last), from the first
/// row to the last.
void RmsNormalizeRowsBackwardWeight(const RmsNormalization& normalization, std::int64_t rows,
                                    std::int64_t first, std::int64_t last, const float* x,
                                    const float* scale, const float* grad_y, float* grad_weight);

}  // namespace espalier
