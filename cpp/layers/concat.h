// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "layers/layer.h"

namespace espalier {

/// Two or more inputs one after another along a dimension; the other dimensions are equal.
///
/// Attributes: axis [0, channels of images], from -8 to 7; negative ones count from the last.
class ConcatLayer final : public Layer {
 public:
  static constexpr const char* kKind = "concat";
  explicit ConcatLayer(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"axis", axis_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  PositionUse InputPositions(std::size_t input, std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::int64_t axis_;
};

}  // namespace espalier
