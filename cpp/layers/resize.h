// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// An image in another height and width, as PyTorch's interpolate does.
///
/// Attributes, one of the first two:
///   size: n or [h, w], 1 to 2^20.
///   scale: of both, 1/1024 to 1024; output sizes are rounded down.
///   mode ["nearest"]: or "bilinear", between the four nearest.
///   corners: where output i of an axis lies on the input, r being input size / output size, or
///     1 / scale:
///     "half_pixel" [of bilinear]: (i + 0.5)·r - 0.5, not below 0: pixels are squares.
///     "align_corners": i·(input size - 1) / (output size - 1): corners lie on corners.
///     "asymmetric" [of nearest]: i·r.
///     The nearest is the pixel that this lies in: floor((i + 0.5)·r), that nearest to it (the
///     later of two), floor(i·r). PyTorch's "nearest-exact" is the first, its "nearest" the last.
class Resize final : public Layer {
 public:
  static constexpr const char* kKind = "resize";
  explicit Resize(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  enum class Corners { kHalfPixel, kAlignCorners, kAsymmetric };

  struct Axis;
  Axis AxisOf(const Shape& input, const Shape& output, int axis) const;

  bool has_size_;
  std::array<std::int64_t, 2> size_ = {1, 1};
  double scale_ = 1.0;
  bool is_bilinear_;
  Corners corners_;
};

}  // namespace espalier
