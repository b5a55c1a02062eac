// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// Layer normalization of each example over all its elements:
/// y = weight · (x - mean) / √(variance + epsilon) + bias, with biased variance.
///
/// Attributes: epsilon [1e-5]; per_position [false]: MakeLayer puts the layer into a PerPosition,
/// so that each row of [length, width] has a mean and variance of its own. Parameters: weight of
/// the input's shape, one at first; bias likewise, zero at first. Source: Ba, Kiros and Hinton,
/// 2016, arXiv:1607.06450.
/// Where the mean and the variance of each example are left; or null.
struct ExampleStatistics {
  float* mean = nullptr;
  float* variance = nullptr;
};

/// y of `batch` examples, given parameters in the order in which the values lie.
void NormalizeExamples(const Shape& shape, double epsilon, std::int64_t batch, const float* x,
                       const float* weight, const float* bias, float* y,
                       const ExampleStatistics& statistics, Workspace& workspace);

class LayerNorm final : public Layer {
 public:
  static constexpr const char* kKind = "layer_norm";
  explicit LayerNorm(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"epsilon", epsilon_}}; }
  LayerTraits Traits(std::span<const Shape> /*inputs*/) const override {
    return {.normalizes_examples = true, .norm_epsilon = epsilon_, .is_repeatable = true};
  }
  Shape OutputShape(std::span<const Shape> inputs) const override;
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
