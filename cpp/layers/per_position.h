// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "layers/layer.h"

namespace espalier {

/// A layer of vectors, with the same parameters at each position: of [length, width] it computes
/// each row as an example of its own. Of more dimensions the last one is the vector's. It is what
/// a dense layer or layer norm with attribute per_position is; kind, parameters and other
/// attributes are those of the layer at a position.
class PerPosition final : public Layer {
 public:
  static constexpr const char* kAttribute = "per_position";

  /// `layer`: of one input, of any width, and random in no mode.
  explicit PerPosition(std::shared_ptr<const Layer> layer) : layer_(std::move(layer)) {}

  std::string_view kind() const override { return layer_->kind(); }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t /*input*/,
                             std::span<const Shape> /*inputs*/) const override {
    return PositionUse::kSame;
  }
  LayerTraits Traits(std::span<const Shape> inputs) const override {
    const LayerTraits traits = layer_->Traits(inputs);
    const bool is_product = traits.product == LayerProduct::kExample;
    return {.product = is_product ? LayerProduct::kPosition : LayerProduct::kNone,
            .is_repeatable = traits.is_repeatable};
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  bool FusesActivation() const override { return layer_->FusesActivation(); }
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::shared_ptr<const Layer> layer_;
};

}  // namespace espalier
