// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/elementwise/activation.h"
#include "layers/layer.h"

namespace espalier {

/// A function of each element: one of kActivations; the formulas stand at Activation.
///
/// Attributes: leaky_relu has slope [0.01], elu has alpha [1], each from 0 to 1000; the others
/// none.
/// Sources: gelu, gelu_tanh: Hendrycks and Gimpel, 2016, arXiv:1606.08415; silu: Elfwing et al.,
/// 2017, arXiv:1702.03118; hard_swish: Howard et al., 2019, arXiv:1905.02244; elu: Clevert et al.,
/// 2015, arXiv:1511.07289; selu: Klambauer et al., 2017, arXiv:1706.02515; mish: Misra, 2019,
/// arXiv:1908.08681.
class ActivationLayer final : public Layer {
 public:
  ActivationLayer(std::string_view kind, const Attributes& attributes);

  /// The kinds: their names, in the order of Activation.
  static std::span<const std::string_view> Kinds();

  Activation activation() const { return activation_; }
  /// Of leaky_relu, or elu's alpha.
  float slope() const { return static_cast<float>(slope_); }

  std::string_view kind() const override;
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  LayerTraits Traits(std::span<const Shape> /*inputs*/) const override {
    return {.activation = {{.activation = activation_, .slope = slope()}}, .is_repeatable = true};
  }
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
  Activation activation_;
  double slope_ = 0.0;
};

}  // namespace espalier
