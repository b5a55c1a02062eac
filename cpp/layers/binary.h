// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/elementwise/binary.h"
#include "layers/broadcast.h"
#include "layers/layer.h"

namespace espalier {

/// A function of two inputs, element by element: sub (a - b), mul, div, min, max or pow (a^b), as
/// IEEE 754 and C define them; min and max are NaN if one of both is. equal, less (a < b) and
/// greater: 1 where it is so, 0 where not. remainder and fmod: what is left of a / b, 0 or with b's
/// sign, and with a's. Shapes may differ, as BroadcastShape says: mul of [C, 1, 1] and [C, H, W]
/// scales channels. No attributes.
///
/// Gradients are PyTorch's: see BinaryBackward.
class BinaryLayer final : public Layer {
 public:
  BinaryLayer(std::string_view kind, const Attributes& attributes);

  static std::span<const std::string_view> Kinds();

  std::string_view kind() const override;
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  PositionUse InputPositions(std::size_t input, std::span<const Shape> inputs) const override {
    return BroadcastPositions(inputs[input], OutputShape(inputs));
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  Binary function_;
};

}  // namespace espalier
