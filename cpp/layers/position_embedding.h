// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// y[i] = x[i] + weight[i] at each position i of [length, width]: what tells positions apart.
///
/// Attributes: max_length, 1 to 2^20: the length is at most that.
/// Parameters: weight [max_length, width], at first from N(0, 0.02²).
/// Source: Devlin et al., 2018, arXiv:1810.04805 (learned positions, and how they start).
class PositionEmbedding final : public Layer {
 public:
  static constexpr const char* kKind = "position_embedding";
  explicit PositionEmbedding(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"max_length", max_length_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t /*input*/,
                             std::span<const Shape> /*inputs*/) const override {
    return PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::int64_t max_length_;
};

}  // namespace espalier
