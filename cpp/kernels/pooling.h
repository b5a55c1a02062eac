// SPDX-License-Identifier: Apache-2.0
#pragma once

// Maximum and average over windows of image planes [height, width].

#include <cstdint>

namespace espalier {

struct PoolingGeometry {
  std::int64_t height, width;  // of the input
  std::int64_t output_height, output_width;
  std::int64_t window_height, window_width;
  std::int64_t stride_height, stride_width;
  std::int64_t pad_top, pad_left;
  bool counts_padding;  // average: divide by the whole window, not by its part on the image
};

// Preconditions of all: every window has at least one element of the image; a plane has at
// most 2^31 elements.

/// y [planes, output_height, output_width]: the maximum of each window, padding left out;
/// NaN if there is one. indices (may be null), of the shape of y: the place in the plane of
/// the first maximum, or of the last NaN.
void MaxPool(const PoolingGeometry& geometry, std::int64_t planes, const float* x, float* y,
             std::uint32_t* indices);

/// grad_x [planes, height, width]: each grad_y goes to the element that `indices` names.
void MaxPoolBackward(const PoolingGeometry& geometry, std::int64_t planes, const float* grad_y,
                     const std::uint32_t* indices, float* grad_x);

/// y: the average of each window.
void AveragePool(const PoolingGeometry& geometry, std::int64_t planes, const float* x, float* y);

void AveragePoolBackward(const PoolingGeometry& geometry, std::int64_t planes, const float* grad_y,
                         float* grad_x);

}  // namespace espalier
