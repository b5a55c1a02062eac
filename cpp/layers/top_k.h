// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/function_ref.h"
#include "layers/layer.h"

namespace espalier {

/// The k greatest values along a dimension, or the least, in order; of equal ones the first comes
/// first. NaN counts as greater than any number. top_k gives the values, whose gradient goes where
/// they came from; top_k_indices their places, counted from 0, as int32: no gradient passes.
///
/// Attributes: k, 1 to 2^20, at most the dimension's size; axis [-1], from -8 to 7; negative ones
/// count from the last dimension; largest [true].
class TopK final : public Layer {
 public:
  TopK(std::string_view kind, const Attributes& attributes);
  static std::span<const std::string_view> Kinds();

  std::string_view kind() const override;
  Attributes attributes() const override {
    return {{"k", k_}, {"axis", axis_}, {"largest", is_largest_}};
  }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  ElementType OutputType() const override {
    return gives_indices_ ? ElementType::kInt32 : ElementType::kFloat32;
  }
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  bool HasBackward() const override { return !gives_indices_; }
  void Backward(const BackwardArguments& arguments) const override;

 private:
  // Elements of a line along the axis, how far they lie apart, and how many lines an example has.
  struct Lines {
    std::int64_t size, stride, count;

    // Where line i begins among lines of `length` elements.
    std::int64_t Begin(std::int64_t i, std::int64_t length) const {
      return i / stride * stride * length + i % stride;
    }
  };
  Lines LinesOf(const Shape& shape) const;
  // Places of the k chosen of a line, in order, to `places`, of `lines.size` numbers.
  void Choose(const Lines& lines, const float* line, std::int32_t* places) const;

  // body(line, scratch for its places)
  static void ForLines(std::int64_t batch, const Lines& lines, Workspace& workspace,
                       FunctionRef<void(std::int64_t, std::int32_t*)> body);

  std::int64_t k_;
  std::int64_t axis_;
  bool is_largest_;
  bool gives_indices_;
};

}  // namespace espalier
