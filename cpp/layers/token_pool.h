// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

struct PoolingGeometry;

/// One vector of all valid positions: [length, width] becomes [width].
///
/// Inputs: [length, width], and optionally the number of valid positions, int32 [1], 0 to length:
/// those from there on count for nothing and are not read. Without valid positions the result is 0.
///
/// Attributes: pool ["mean"]: "mean", "max" (NaN where one is; the gradient goes to the first
/// maximum) or "first", the token that BERT calls [CLS].
class TokenPool final : public Layer {
 public:
  static constexpr const char* kKind = "token_pool";
  explicit TokenPool(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  ElementType InputType(std::size_t input) const override {
    return input == 0 ? ElementType::kFloat32 : ElementType::kInt32;
  }
  IntegerRange InputRange(std::size_t input, std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t input, std::span<const Shape> inputs) const override {
    return input == 0 && inputs.size() > 1 ? PositionUse::kValid : PositionUse::kAll;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  enum class Pool { kMean, kMax, kFirst };

  void PoolExample(const Shape& shape, std::int64_t valid, const float* x, float* y,
                   float* places) const;
  void PoolExampleBackward(const Shape& shape, std::int64_t valid, const float* grad_y,
                           const float* places, float* grad_x) const;

  Pool pool_;
};

}  // namespace espalier
