// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "layers/layer.h"

namespace espalier {

/// The place of the maximum along a dimension, counted from 0, as int32: of equal ones the first,
/// of values with NaN the first NaN. No gradient passes.
///
/// Attributes: axis [-1], from -8 to 7; negative ones count from the last dimension.
/// keep_dimensions
///   [false]: keep that dimension, with size 1. Without it a vector becomes [1].
class ArgMax final : public Layer {
 public:
  static constexpr const char* kKind = "arg_max";
  explicit ArgMax(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override {
    return {{"axis", axis_}, {"keep_dimensions", keeps_dimensions_}};
  }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  ElementType OutputType() const override { return ElementType::kInt32; }
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  bool HasBackward() const override { return false; }
  void Backward(const BackwardArguments& /*arguments*/) const override {}

 private:
  std::int64_t axis_;
  bool keeps_dimensions_;
};

}  // namespace espalier
