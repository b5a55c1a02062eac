// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// y = x > 0 ? x : weight·x, with a learned weight: He et al., 2015, arXiv:1502.01852. At 0 the
/// derivative by x is the weight, as PyTorch has it.
///
/// Attributes: per_channel [false]: a weight for each channel (first dimension), or one for all.
/// Parameter: weight [channels] or [1], 0.25 at first. It has no weight decay by default, which
/// would draw the function towards relu.
class Prelu final : public Layer {
 public:
  static constexpr const char* kKind = "prelu";
  explicit Prelu(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"per_channel", is_per_channel_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override {
    return is_per_channel_ ? LayoutRule::kChannelsLast : LayoutRule::kAny;
  }
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  PositionUse InputPositions(std::size_t /*input*/,
                             std::span<const Shape> /*inputs*/) const override {
    return is_per_channel_ ? PositionUse::kAll : PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::int64_t Weights(const Shape& shape) const { return is_per_channel_ ? shape[0] : 1; }

  bool is_per_channel_;
};

}  // namespace espalier
