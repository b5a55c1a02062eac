// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// In training sets each element to 0 with probability `rate` and multiplies the others by
/// 1 / (1 - rate); in evaluation passes its input on. Which elements fall depends on the
/// random key and the element's place in the batch alone.
///
/// Attributes: rate [0.5], from 0 to 0.999.
/// Source: Srivastava et al., JMLR 15, 2014; scaled in training ("inverted").
class Dropout final : public Layer {
 public:
  static constexpr const char* kKind = "dropout";
  explicit Dropout(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"rate", rate_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  LayerTraits Traits(std::span<const Shape> /*inputs*/) const override {
    return {.passes_on = true};
  }
  PositionUse InputPositions(std::size_t /*input*/,
                             std::span<const Shape> /*inputs*/) const override {
    return PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  bool IsRandom() const override { return true; }
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  double rate_;
};

}  // namespace espalier
