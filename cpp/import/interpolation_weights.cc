// SPDX-License-Identifier: Apache-2.0
#include "import/interpolation_weights.h"

#include <algorithm>
#include <cmath>

#include "import/node_facts.h"

namespace espalier {
namespace {

double Cubic(double x, double a) {
  x = std::abs(x);
  if (x <= 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
  return 0.0;
}

double Kernel(const AxisResize& axis, double distance) {
  if (axis.mode == "cubic") return Cubic(distance, axis.cubic_a);
  return std::max(0.0, 1.0 - std::abs(distance));
}

}  // namespace

double CoordinateOf(const AxisResize& axis, std::int64_t place) {
  const auto i = static_cast<double>(place);
  const auto input = static_cast<double>(axis.input);
  const auto output = static_cast<double>(axis.output);
  const double half_pixel = (i + 0.5) / axis.scale - 0.5;
  if (axis.coordinates == "half_pixel") return half_pixel;
  if (axis.coordinates == "half_pixel_symmetric") {
    return input / 2.0 * (1.0 - output / (input * axis.scale)) + half_pixel;
  }
  if (axis.coordinates == "pytorch_half_pixel") return axis.output > 1 ? half_pixel : 0.0;
  if (axis.coordinates == "asymmetric") return i / axis.scale;
  if (axis.coordinates == "align_corners") {
    // Not rounded: the last corner may lie beyond what there is of the output.
    const double width = axis.scale * input;
    return axis.output > 1 ? i * (input - 1.0) / (width - 1.0) : 0.0;
  }
  if (axis.coordinates == "tf_crop_and_resize") {
    if (axis.output == 1) return 0.5 * (axis.begin + axis.end) * (input - 1.0);
    return axis.begin * (input - 1.0) +
           i * (axis.end - axis.begin) * (input - 1.0) / (output - 1.0);
  }
  Refuse("unknown coordinate_transformation_mode '", axis.coordinates, "'");
}

std::int64_t NearestPlace(const AxisResize& axis, std::int64_t place) {
  const double at = CoordinateOf(axis, place);
  double nearest = 0.0;
  if (axis.nearest == "round_prefer_floor") {
    nearest = std::ceil(at - 0.5);
  } else if (axis.nearest == "round_prefer_ceil") {
    nearest = std::floor(at + 0.5);
  } else if (axis.nearest == "floor") {
    nearest = std::floor(at);
  } else if (axis.nearest == "ceil") {
    nearest = std::ceil(at);
  } else {
    Refuse("unknown nearest_mode '", axis.nearest, "'");
  }
  return static_cast<std::int64_t>(std::clamp(nearest, 0.0, static_cast<double>(axis.input - 1)));
}

std::vector<float> InterpolationWeights(const AxisResize& axis) {
  const auto outputs = static_cast<std::size_t>(axis.output);
  std::vector<float> weights(static_cast<std::size_t>(axis.input) * outputs, 0.0f);
  // Smaller images are smoothed by a kernel that is wider by as much.
  const double sharpness = axis.antialias ? std::min(axis.scale, 1.0) : 1.0;
  const double reach = (axis.mode == "cubic" ? 2.0 : 1.0) / sharpness;
  for (std::int64_t i = 0; i < axis.output; ++i) {
    const double at = CoordinateOf(axis, i);
    if (axis.coordinates == "tf_crop_and_resize" &&
        (at < 0.0 || at > static_cast<double>(axis.input - 1))) {
      continue;
    }
    const auto first = static_cast<std::int64_t>(std::floor(at - reach)) + 1;
    const auto last = static_cast<std::int64_t>(std::ceil(at + reach)) - 1;
    double sum = 0.0;
    const auto weight = [&](std::int64_t place) {
      const bool is_outside = place < 0 || place >= axis.input;
      if (axis.exclude_outside && is_outside) return 0.0;
      return Kernel(axis, (static_cast<double>(place) - at) * sharpness);
    };
    for (std::int64_t place = first; place <= last; ++place) sum += weight(place);
    if (!axis.antialias && !axis.exclude_outside) sum = 1.0;
    for (std::int64_t place = first; place <= last; ++place) {
      const std::int64_t inside = std::clamp<std::int64_t>(place, 0, axis.input - 1);
      weights[static_cast<std::size_t>(inside) * outputs + static_cast<std::size_t>(i)] +=
          static_cast<float>(weight(place) / sum);
    }
  }
  return weights;
}

}  // namespace espalier
