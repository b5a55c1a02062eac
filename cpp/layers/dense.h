// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/initializer.h"
#include "layers/layer.h"

namespace espalier {

/// y = x · weightᵀ + bias. The input is flattened, images in C, H, W order.
///
/// Attributes: units; bias [true]; initializer ["he_normal"] and, for "constant",
/// initializer_value [0]; per_position [false]: MakeLayer puts the layer into a PerPosition, which
/// gives it [length, width] a row at a time.
/// Parameters: weight [units, inputs]; bias [units], zero at first.
class Dense final : public Layer {
 public:
  static constexpr const char* kKind = "dense";
  explicit Dense(const Attributes& attributes);

  std::int64_t units() const { return units_; }
  bool has_bias() const { return has_bias_; }

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayerTraits Traits(std::span<const Shape> /*inputs*/) const override {
    return {.product = LayerProduct::kExample};
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  bool FusesActivation() const override { return true; }
  bool HasProductGradient(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::int64_t units_;
  bool has_bias_;
  WeightInitializer initializer_;
};

}  // namespace espalier
