// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/attention/attention.h"
#include "layers/layer.h"

namespace espalier {

/// Scaled dot-product attention of several heads, of queries, keys and values that are projected
/// already. With q [queries, width], k and v [keys, width], each head h having width / heads of the
/// columns: output[i] = Σ_j p[i][j] · v[j], p[i] = softmax over j of scale · q[i]·k[j], [queries,
/// width]. Computed in tiles, never all scores at once.
///
/// Inputs: q, k, v, and optionally the number of valid keys, int32 [1], 0 to keys: those from there
/// on count for nothing and are not read. A query without keys has output 0. Packed: [length,
/// 3 · width] with q, k and v side by side, and optionally that number.
///
/// Attributes: heads, a divisor of width; causal [false]: query i has the keys j ≤ i alone; scale
/// [0: 1 / √(width / heads)]; packed [false].
/// Sources: Vaswani et al., 2017, arXiv:1706.03762; kernels/attention/attention.h.
class Attention final : public Layer {
 public:
  static constexpr const char* kKind = "attention";
  explicit Attention(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  ElementType InputType(std::size_t input) const override;
  IntegerRange InputRange(std::size_t input, std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t input, std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  struct Sizes {
    std::int64_t queries, keys;
    std::int64_t width;       // of a head
    std::int64_t row_floats;  // of q, k and v, from position to position
  };
  Sizes SizesOf(std::span<const Shape> inputs) const;

  struct Place {
    std::int64_t example, head;
  };
  // Where one head of queries (0), keys (1) or values (2) begins in `values`, inputs or their
  // gradients; null if it has no place there.
  template <typename Float>
  Float* PartOf(std::span<Float* const> values, const Sizes& sizes, int part,
                const Place& place) const;
  AttentionHead HeadAt(std::span<const float* const> inputs, const Sizes& sizes,
                       const Place& place) const;

  // Inputs before the number of valid keys.
  std::size_t value_inputs() const { return is_packed_ ? 1 : 3; }

  std::int64_t heads_;
  bool is_causal_;
  double scale_;
  bool is_packed_;
};

}  // namespace espalier
