// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/elementwise/unary.h"
#include "layers/layer.h"

namespace espalier {

/// An elementary function of each element: exp, log, sqrt, abs, neg (-x), erf or reciprocal (1 /
/// x), with infinity and NaN where IEEE 754 and C have them: log(0) = -infinity, sqrt(-1) = NaN. No
/// attributes.
class UnaryLayer final : public Layer {
 public:
  UnaryLayer(std::string_view kind, const Attributes& attributes);

  /// The kinds: their names, in the order of Unary.
  static std::span<const std::string_view> Kinds();

  std::string_view kind() const override;
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  PositionUse InputPositions(std::size_t /*input*/,
                             std::span<const Shape> /*inputs*/) const override {
    return PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  Unary function_;
};

}  // namespace espalier
