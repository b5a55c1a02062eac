// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// Values in another element type: numbers lose what is behind the point, those beyond int32 become
/// the nearest that is not, NaN becomes 0. A gradient passes from float32 to float32 alone.
///
/// Attributes: from ["float32"] and to, "float32" or "int32".
class Cast final : public Layer {
 public:
  static constexpr const char* kKind = "cast";
  explicit Cast(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  ElementType InputType(std::size_t /*input*/) const override { return from_; }
  ElementType OutputType() const override { return to_; }
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  PositionUse InputPositions(std::size_t /*input*/,
                             std::span<const Shape> /*inputs*/) const override {
    return PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  bool HasBackward() const override {
    return from_ == ElementType::kFloat32 && to_ == ElementType::kFloat32;
  }
  void Backward(const BackwardArguments& arguments) const override;

 private:
  ElementType from_;
  ElementType to_;
};

}  // namespace espalier
