// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/conv2d_weights.h"

#include <algorithm>

#include "kernels/matmul/matmul_block.h"

namespace espalier {

void PackKernelElements(const KernelElements& elements, const WeightMatrix& weights,
                        float* packed) {
  const TileShape tile = ActiveTileShape();
  for (std::int64_t n0 = 0; n0 < weights.n; n0 += tile.columns) {
    const std::int64_t count = std::min(tile.columns, weights.n - n0);
    const std::int64_t width = (count + tile.lanes - 1) / tile.lanes * tile.lanes;
    for (std::int64_t i = 0; i < elements.rows; ++i) {
      const std::int64_t y = elements.first_row + i * elements.row_step;
      for (std::int64_t j = 0; j < elements.columns; ++j) {
        const std::int64_t x = elements.first_column + j * elements.column_step;
        const bool is_zero = y % elements.row_dilation != 0 || x % elements.column_dilation != 0;
        const float* from = weights.data + n0 * weights.n_stride +
                            y / elements.row_dilation * elements.kernel_width +
                            x / elements.column_dilation;
        for (std::int64_t k = 0; k < weights.k; ++k, packed += width) {
          for (std::int64_t n = 0; n < width; ++n) {
            packed[n] =
                is_zero || n >= count ? 0.0f : from[k * weights.k_stride + n * weights.n_stride];
          }
        }
      }
    }
  }
}

void GatherWeightGradients(std::int64_t kernel_area, std::int64_t channels, std::int64_t outputs,
                           const float* sums, std::int64_t parts, std::int64_t part_stride,
                           float* grad_weights) {
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t t = 0; t < kernel_area; ++t) {
      const float* from = sums + (t * channels + c) * outputs;
      float* to = grad_weights + c * kernel_area + t;
      for (std::int64_t o = 0; o < outputs; ++o) {
        float sum = from[o];
        for (std::int64_t part = 1; part < parts; ++part) sum += from[part * part_stride + o];
        to[o * channels * kernel_area] = sum;
      }
    }
  }
}

}  // namespace espalier
