// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// The product of two values, [..., m, k] by [..., k, n] to [..., m, n]. The dimensions before the
/// last two are equal, a matrix each; or the second has none, one matrix for all of the first's.
///
/// Attributes: transpose_first and transpose_second [false]: the operand's last two dimensions are
/// exchanged.
class MatmulLayer final : public Layer {
 public:
  static constexpr const char* kKind = "matmul";
  explicit MatmulLayer(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  struct Sizes;
  Sizes SizesOf(std::span<const Shape> inputs) const;

  bool transposes_first_;
  bool transposes_second_;
};

}  // namespace espalier
