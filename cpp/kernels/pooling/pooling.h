// SPDX-License-Identifier: Apache-2.0
#pragma once

// Maximum and average over windows of channels-last images, [height, width, channels].

#include <cstdint>

namespace espalier {

struct PoolingGeometry {
  std::int64_t channels;
  std::int64_t height, width;  // of the input
  std::int64_t output_height, output_width;
  std::int64_t window_height, window_width;
  std::int64_t stride_height, stride_width;
  std::int64_t pad_top, pad_left;
  bool counts_padding;  // average: divide by the whole window, not by its part on the image
};

// Arrays are those of a whole batch; work is on rows [first, last) of all examples' rows, one
// below the other, of outputs in the forward direction and of inputs backward, so that callers
// can share it out. Precondition of all: every window has at least one element of the image.

/// Bytes that tell which element of a window was its maximum: 1, or 4 for large windows.
std::int64_t MaxPoolPlaceBytes(const PoolingGeometry& geometry);

/// y: the maximum of each window, padding left out; NaN if there is one. places (may be null),
/// MaxPoolPlaceBytes for each output: the place in the window of the first maximum, or of the
/// last NaN.
void MaxPool(const PoolingGeometry& geometry, std::int64_t first, std::int64_t last, const float* x,
             float* y, void* places);

/// grad_x: each grad_y goes to the element that `places` names.
void MaxPoolBackward(const PoolingGeometry& geometry, std::int64_t first, std::int64_t last,
                     const float* grad_y, const void* places, float* grad_x);

/// y: the average of each window.
void AveragePool(const PoolingGeometry& geometry, std::int64_t first, std::int64_t last,
                 const float* x, float* y);

void AveragePoolBackward(const PoolingGeometry& geometry, std::int64_t first, std::int64_t last,
                         const float* grad_y, float* grad_x);

}  // namespace espalier
