// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/broadcast.h"
#include "layers/layer.h"

namespace espalier {

/// The sum of two or more inputs of one shape, from the first to the last; or of two whose shapes
/// differ, as BroadcastShape says. No attributes.
class Add final : public Layer {
 public:
  static constexpr const char* kKind = "add";
  explicit Add(const Attributes& attributes);

  /// True if none of the inputs is repeated.
  static bool IsSum(std::span<const Shape> inputs);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  LayerTraits Traits(std::span<const Shape> inputs) const override {
    return {.sums = IsSum(inputs)};
  }
  PositionUse InputPositions(std::size_t input, std::span<const Shape> inputs) const override {
    return BroadcastPositions(inputs[input], OutputShape(inputs));
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
};

}  // namespace espalier
