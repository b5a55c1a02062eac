// SPDX-License-Identifier: Apache-2.0
#include "layers/window.h"

#include <algorithm>
#include <vector>

#include "core/text.h"

namespace espalier {
namespace {

struct AxisPlacement {
  std::int64_t count;
  std::int64_t pad_begin;
};

// Sizes of images are at most 2^40, of windows 2^20, of pads 2^12: no overflow.
AxisPlacement PlaceAxis(const Window& window, std::size_t axis, std::int64_t size,
                        std::string_view kind) {
  const std::int64_t extent = (window.size[axis] - 1) * window.dilation[axis] + 1;
  const std::int64_t stride = window.stride[axis];
  const Padding& padding = window.padding;
  if (padding.is_same) {
    const std::int64_t count = (size + stride - 1) / stride;
    const std::int64_t missing = std::max<std::int64_t>(0, (count - 1) * stride + extent - size);
    return {count, missing / 2};
  }
  const std::int64_t begin = axis == 0 ? padding.top : padding.left;
  const std::int64_t end = axis == 0 ? padding.bottom : padding.right;
  const std::int64_t padded = size + begin + end;
  if (padded < extent) {
    Fail(ErrorCode::kShapeMismatch, kind, ": expected a padded ", axis == 0 ? "height" : "width",
         " of at least ", extent, ", got ", padded);
  }
  return {(padded - extent) / stride + 1, begin};
}

}  // namespace

Padding Padding::Read(AttributeReader& reader, const Padding& default_value) {
  const AttributeValue* value = reader.Find("padding");
  if (value == nullptr) return default_value;
  const char* const expected =
      "\"same\", \"valid\", [all], [h, w] or [top, bottom, left, right], from 0 to 4096";
  static_assert(kMaxPad == 4096);
  std::vector<std::int64_t> pads;
  if (const std::string* text = std::get_if<std::string>(value)) {
    if (*text == "same") return Padding{.is_same = true};
    if (*text == "valid") return Padding{};
  } else if (const std::int64_t* all = std::get_if<std::int64_t>(value)) {
    pads.assign(1, *all);
  } else if (const auto* list = std::get_if<std::vector<std::int64_t>>(value)) {
    pads = *list;
  }
  for (const std::int64_t pad : pads) {
    if (pad < 0 || pad > kMaxPad) reader.FailAt("padding", expected, *value);
  }
  switch (pads.size()) {
    case 1:
      return {false, pads[0], pads[0], pads[0], pads[0]};
    case 2:
      return {false, pads[0], pads[0], pads[1], pads[1]};
    case 4:
      return {false, pads[0], pads[1], pads[2], pads[3]};
    default:
      reader.FailAt("padding", expected, *value);
  }
}

AttributeValue Padding::ToAttribute() const {
  if (is_same) return std::string("same");
  return std::vector<std::int64_t>{top, bottom, left, right};
}

WindowPlacement PlaceWindow(const Window& window, const Shape& image, std::string_view kind) {
  const AxisPlacement rows = PlaceAxis(window, 0, image[1], kind);
  const AxisPlacement columns = PlaceAxis(window, 1, image[2], kind);
  return {rows.count, columns.count, rows.pad_begin, columns.pad_begin};
}

const Shape& ImageInput(std::span<const Shape> inputs, std::string_view kind) {
  const Shape& input = OnlyInput(inputs, kind);
  if (input.rank() != 3) {
    Fail(ErrorCode::kShapeMismatch, kind, ": expected an input [channels, height, width], got ",
         input.ToString());
  }
  return input;
}

const Shape& OnlyInput(std::span<const Shape> inputs, std::string_view kind) {
  if (inputs.size() != 1) {
    Fail(ErrorCode::kShapeMismatch, kind, ": expected 1 input, got ", inputs.size());
  }
  return inputs[0];
}

}  // namespace espalier
