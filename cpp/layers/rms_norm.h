// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// Normalization of each position by its root mean square, over the last dimension:
/// y = weight · x / √(mean of x² + epsilon).
///
/// Attributes: epsilon [1e-6].
/// Parameters: weight [width], one at first.
/// Source: Zhang and Sennrich, 2019, arXiv:1910.07467, with the epsilon that its users add.
class RmsNorm final : public Layer {
 public:
  static constexpr const char* kKind = "rms_norm";
  explicit RmsNorm(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"epsilon", epsilon_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayerTraits Traits(std::span<const Shape> /*inputs*/) const override {
    return {.is_repeatable = true};
  }
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t /*input*/, std::span<const Shape> inputs) const override {
    return inputs[0].rank() == 1 ? PositionUse::kAll : PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  double epsilon_;
};

}  // namespace espalier
