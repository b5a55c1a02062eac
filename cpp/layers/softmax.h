// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// softmax: y = exp(x - m) / Σ exp(x - m), or log_softmax: y = x - m - log Σ exp(x - m), m being
/// the greatest x of those that the sums go over: those along the last dimension, or the first,
/// which are the channels of an image. Of a vector both are all.
///
/// Attributes: axis ["last"] or "channels".
class SoftmaxLayer final : public Layer {
 public:
  SoftmaxLayer(std::string_view kind, const Attributes& attributes);

  static std::span<const std::string_view> Kinds();

  std::string_view kind() const override;
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override {
    return is_of_channels_ ? LayoutRule::kChannelsLast : LayoutRule::kRowMajor;
  }
  PositionUse InputPositions(std::size_t /*input*/, std::span<const Shape> inputs) const override {
    return is_of_channels_ || inputs[0].rank() == 1 ? PositionUse::kAll : PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::int64_t Columns(const Shape& shape) const;

  bool is_logarithm_;
  bool is_of_channels_;
};

}  // namespace espalier
