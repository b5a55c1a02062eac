// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// Batch normalization of each channel (first dimension):
/// y = weight · (x - mean) / √(variance + epsilon) + bias.
///
/// In training, mean and (biased) variance are those of the batch, and UpdateBuffers moves
/// the running ones towards it, the variance unbiased: running = (1 - momentum) · running +
/// momentum · batch. In evaluation they are the running ones, and constants of the
/// gradient. Where PyTorch refuses a batch with one value a channel, y is bias here and the
/// running statistics stay: the last batch of an epoch may have one example.
///
/// Attributes: momentum [0.1]; epsilon [1e-5].
/// Parameters: weight [channels], one at first; bias; buffers running_mean and running_var.
/// Source: Ioffe and Szegedy, 2015, arXiv:1502.03167.
class BatchNorm final : public Layer {
 public:
  static constexpr const char* kKind = "batch_norm";
  explicit BatchNorm(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayerTraits Traits(std::span<const Shape> /*inputs*/) const override {
    return {.normalizes_channels = true, .norm_epsilon = epsilon_};
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
  void UpdateBuffers(std::int64_t batch, std::span<const Shape> inputs, const float* saved,
                     std::span<float* const> parameters) const override;
  bool HasFiniteStatistics(std::int64_t batch, std::span<const Shape> inputs,
                           const float* saved) const override;

 private:
  double momentum_;
  double epsilon_;
};

}  // namespace espalier
