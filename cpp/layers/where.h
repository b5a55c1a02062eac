// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/broadcast.h"
#include "layers/layer.h"

namespace espalier {

/// Three inputs, condition, a and b: a where the condition is not 0, b elsewhere. Their shapes are
/// broadcast as NumPy does. No gradient flows to the condition. No attributes.
class Where final : public Layer {
 public:
  static constexpr const char* kKind = "where";
  explicit Where(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t input, std::span<const Shape> inputs) const override {
    return BroadcastPositions(inputs[input], OutputShape(inputs));
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
};

}  // namespace espalier
