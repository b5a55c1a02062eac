// SPDX-License-Identifier: Apache-2.0
#pragma once

// Windows that slide over an image: what convolution and pooling have in common.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "espalier/shape.h"
#include "espalier/spec.h"
#include "layers/attribute_reader.h"

namespace espalier {

/// Rows and columns of zeros around an image.
struct Padding {
  bool is_same = false;  ///< output ceil(n / stride); what is odd goes to the end
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;  ///< unless is_same

  /// "same", "valid", [all], [h, w], [top, bottom, left, right] or one whole number.
  static Padding Read(AttributeReader& reader, const Padding& default_value);
  AttributeValue ToAttribute() const;
};

struct Window {
  std::array<std::int64_t, 2> size = {1, 1};  ///< [h, w], as the two below
  std::array<std::int64_t, 2> stride = {1, 1};
  std::array<std::int64_t, 2> dilation = {1, 1};
  Padding padding;
};

/// Where windows lie on an image: window (i, j) begins at row i·stride - pad_top.
struct WindowPlacement {
  std::int64_t output_height, output_width;
  std::int64_t pad_top, pad_left;
};

/// Throws Error: SHAPE_MISMATCH if not one window fits on the padded image.
WindowPlacement PlaceWindow(const Window& window, const Shape& image, std::string_view kind);

/// The only input, a [channels, height, width]. Throws Error: SHAPE_MISMATCH.
const Shape& ImageInput(std::span<const Shape> inputs, std::string_view kind);

/// The only input. Throws Error: SHAPE_MISMATCH.
const Shape& OnlyInput(std::span<const Shape> inputs, std::string_view kind);

}  // namespace espalier
