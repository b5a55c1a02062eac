// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/copies/strided_copy.h"
#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// The dimensions in another order. Attribute: order, for each dimension of the output which of the
/// input it is, first dimension 0: a permutation.
class TransposeLayer final : public Layer {
 public:
  static constexpr const char* kKind = "transpose";
  explicit TransposeLayer(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"order", order_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  StridedLoops LoopsOf(const Shape& input, const Shape& output) const;

  std::vector<std::int64_t> order_;
};

}  // namespace espalier
