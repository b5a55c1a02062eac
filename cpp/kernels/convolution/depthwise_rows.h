// SPDX-License-Identifier: Apache-2.0
#pragma once

// The common case of depthwise convolution forward: up to three kernel rows of three columns
// side by side, stride 1 or 2 along a row. Internal to kernels/.

#include <cstdint>

#include "kernels/elementwise/activation.h"

namespace espalier {

/// Output rows that meet the same kernel rows: y[i][t] = activation(bias + Σ over r, k of
/// weights[r][k] · x[row of (i, r)][t · stride - pad_left + k]), a vector of channels each;
/// columns of x outside [0, width) are left out.
struct DepthwiseRows {
  const float* x;                  ///< [width, channels] of the first row's first kernel row
  std::int64_t kernel_row_stride;  ///< floats of x from kernel row to kernel row
  std::int64_t row_stride;         ///< floats of x from output row to output row
  const float* weights;            ///< [kernel_rows, 3, channels]
  const float* bias;               ///< [channels], or null
  std::int64_t kernel_rows;        ///< 1 to 3
  std::int64_t channels, width;
  std::int64_t stride, pad_left;
  std::int64_t rows, columns;  ///< of y
  float* y;                    ///< [rows, columns, channels]
  Activation activation;       ///< one of those that clamp
};

/// Each output is one chain of multiply-adds over r and k in order, from the bias on.
void SumDepthwiseRows(const DepthwiseRows& rows);

}  // namespace espalier
