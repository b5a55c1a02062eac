// SPDX-License-Identifier: Apache-2.0
#pragma once

// Weights of a convolution as the B of its matrix products, and gradients back. Internal to
// kernels/.

#include <cstdint>

#include "core/thread_pool.h"

namespace espalier {

/// Some elements of a kernel, in any regular order: element (i, j) is the kernel's
/// (first_row + i · row_step, first_column + j · column_step) of a kernel whose elements lie
/// `row_dilation` and `column_dilation` apart, 0 in between.
struct KernelElements {
  std::int64_t rows, columns;
  std::int64_t first_row, row_step, row_dilation;
  std::int64_t first_column, column_step, column_dilation;
  std::int64_t kernel_width;
};

/// Weight (k, n, kernel element t) lies at k · k_stride + n · n_stride + t.
struct WeightMatrix {
  const float* data;
  std::int64_t k, n;
  std::int64_t k_stride, n_stride;
};

/// The kernel as it is, weights [outputs, channels, kernel].
inline KernelElements WholeKernel(std::int64_t height, std::int64_t width) {
  return {.rows = height,
          .columns = width,
          .first_row = 0,
          .row_step = 1,
          .row_dilation = 1,
          .first_column = 0,
          .column_step = 1,
          .column_dilation = 1,
          .kernel_width = width};
}

/// One panel of what PackKernelElements writes, from column `n0` on.
void PackKernelPanel(const KernelElements& elements, const WeightMatrix& weights, std::int64_t n0,
                     float* packed);

/// As PackB of [(element row, element column, k), n].
void PackKernelElements(const KernelElements& elements, const WeightMatrix& weights, float* packed,
                        Workspace& workspace);

/// grad_weights[o][c][t] = sums[(t, c)][o], added up over `parts` arrays in order.
void GatherWeightGradients(std::int64_t kernel_area, std::int64_t channels, std::int64_t outputs,
                           const float* sums, std::int64_t parts, std::int64_t part_stride,
                           float* grad_weights, Workspace& workspace);

}  // namespace espalier
