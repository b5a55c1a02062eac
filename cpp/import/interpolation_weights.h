// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace espalier {

/// How ONNX's Resize makes one axis another size.
struct AxisResize {
  std::int64_t input = 1;
  std::int64_t output = 1;
  double scale = 1.0;  ///< as the model says, or output / input
  std::string coordinates = "half_pixel";
  std::string mode = "nearest";  ///< or "linear", "cubic"
  std::string nearest = "round_prefer_floor";
  double cubic_a = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
  double begin = 0.0, end = 1.0;  ///< tf_crop_and_resize: parts of the axis
};

/// Where on the input an element of the output lies.
double CoordinateOf(const AxisResize& axis, std::int64_t place);

/// The input's place that is nearest to it.
std::int64_t NearestPlace(const AxisResize& axis, std::int64_t place);

/// [input, output]: what each element of the input counts for in each of the output.
std::vector<float> InterpolationWeights(const AxisResize& axis);

}  // namespace espalier
