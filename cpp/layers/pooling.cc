// SPDX-License-Identifier: Apache-2.0
#include "layers/pooling.h"

#include <algorithm>

#include "core/checked.h"
#include "core/text.h"
#include "layers/work.h"

namespace espalier {
namespace {

constexpr std::int64_t kMaxPlane = std::int64_t{1} << 31;  // places of maxima have 32 bits

}  // namespace

Pooling::Pooling(AttributeReader& reader) {
  window_.size = reader.Pair("window", 1, kMaxWindow);
  window_.stride = reader.Pair("stride", 1, kMaxWindow, window_.size);
  const Padding& padding = window_.padding = Padding::Read(reader, Padding{});
  const std::int64_t vertical = std::max(padding.top, padding.bottom);
  const std::int64_t horizontal = std::max(padding.left, padding.right);
  if (vertical >= window_.size[0] || horizontal >= window_.size[1]) {
    reader.FailAt("padding",
                  Concat("less than the window ", window_.size[0], " x ", window_.size[1]),
                  padding.ToAttribute());
  }
}

PoolingGeometry Pooling::Geometry(std::span<const Shape> inputs) const {
  const Shape& input = ImageInput(inputs, kind());
  if (input[1] * input[2] > kMaxPlane) {
    Fail(ErrorCode::kShapeMismatch, kind(), ": expected at most ", kMaxPlane,
         " elements in a channel, got ", input[1] * input[2]);
  }
  const WindowPlacement placement = PlaceWindow(window_, input, kind());
  return {
      .channels = input[0],
      .height = input[1],
      .width = input[2],
      .output_height = placement.output_height,
      .output_width = placement.output_width,
      .window_height = window_.size[0],
      .window_width = window_.size[1],
      .stride_height = window_.stride[0],
      .stride_width = window_.stride[1],
      .pad_top = placement.pad_top,
      .pad_left = placement.pad_left,
      .counts_padding = true,
  };
}

std::int64_t Pooling::Work(std::span<const Shape> inputs) const {
  const PoolingGeometry geometry = Geometry(inputs);
  const std::int64_t positions = geometry.output_height * geometry.output_width;
  // Padding is left out.
  const std::int64_t elements = std::min(geometry.window_height, geometry.height) *
                                std::min(geometry.window_width, geometry.width);
  return SaturatedAdd(
      SaturatedMultiply(SaturatedMultiply(positions, elements),
                        SaturatedMultiply(WholeVectors(geometry.channels), kWindowWork)),
      ElementWork(inputs, OutputShape(inputs)));
}

Attributes Pooling::attributes() const {
  return {
      {"window", std::vector<std::int64_t>(window_.size.begin(), window_.size.end())},
      {"stride", std::vector<std::int64_t>(window_.stride.begin(), window_.stride.end())},
      {"padding", window_.padding.ToAttribute()},
  };
}

Shape Pooling::OutputShape(std::span<const Shape> inputs) const {
  const PoolingGeometry geometry = Geometry(inputs);
  return Shape::Image(inputs[0][0], geometry.output_height, geometry.output_width);
}

}  // namespace espalier
