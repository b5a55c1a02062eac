// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

struct RecurrentSizes;

/// Layers whose state h goes from position to position, beginning with 0: [length, width] becomes
/// [length, hidden], h at each position, or [hidden], the last one.
///
///   gru:  r, z = sigmoid(W x + b + U h + d),  n = tanh(W x + b + r ⊙ (U h + d)),
///         h' = (1 - z) ⊙ n + z ⊙ h;  without reset_after n = tanh(W x + b + U (r ⊙ h) + d)
///   lstm: i, f, o = sigmoid(W x + b + U h + d),  g = tanh(W x + b + U h + d),
///         c' = f ⊙ c + i ⊙ g,  h' = o ⊙ tanh(c')
///
/// with rows of W, U, b and d of its own for each gate, in PyTorch's order: r, z, n and i, f, g, o.
/// Bidirectional, a second such layer goes from the last position to the first, and its state
/// stands behind the other's: [length, 2 · hidden] or [2 · hidden].
///
/// Inputs: [length, width], and optionally the number of valid positions, int32 [1], 0 to length:
/// those from there on are not read, outputs there are 0, and the way back begins at the last valid
/// one. The last state forward is that at the last valid position, back that at the first; without
/// valid positions both are 0.
///
/// Attributes: hidden; bidirectional [false]; bias [true]; return_sequence [true]: false gives the
/// last state alone; of a gru reset_after [true]: whether it resets what the product gives, as
/// PyTorch, or the state before it, as Cho et al. have it (reset_after of Keras,
/// linear_before_reset of ONNX). Parameters, the way forward above the way back, rows = directions
/// · gates · hidden: W, weight [rows, width]; U, recurrent_weight [rows, hidden]; b and d, bias and
/// recurrent_bias [rows]. They are PyTorch's weight_ih_l0, weight_hh_l0, bias_ih_l0 and bias_hh_l0,
/// each above the one with the suffix _reverse. All start uniform in ±1/√hidden, as PyTorch's.
/// Sources: kernels/recurrent/recurrent_steps.h; Schuster and Paliwal, "Bidirectional Recurrent
/// Neural Networks", 1997.
class Recurrent final : public Layer {
 public:
  Recurrent(std::string_view kind, const Attributes& attributes);

  static std::span<const std::string_view> Kinds();

  std::string_view kind() const override;
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  ElementType InputType(std::size_t input) const override {
    return input == 0 ? ElementType::kFloat32 : ElementType::kInt32;
  }
  IntegerRange InputRange(std::size_t input, std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t input, std::span<const Shape> inputs) const override {
    if (input > 0 || inputs.size() == 1) return PositionUse::kAll;
    return returns_sequence_ ? PositionUse::kSameAndValid : PositionUse::kValid;
  }
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Prepare(std::span<const Shape> inputs, const LayerUse& use,
               std::span<const float* const> parameters, float* prepared,
               Workspace& workspace) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  enum class Cell { kGru, kLstm };

  RecurrentSizes SizesOf(std::span<const Shape> inputs) const;

  Cell cell_;
  std::int64_t hidden_;
  bool is_bidirectional_;
  bool has_bias_;
  bool returns_sequence_;
  bool resets_after_;
};

}  // namespace espalier
