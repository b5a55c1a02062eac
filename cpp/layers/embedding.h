// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// y[i] = weight[id[i]]: ids, int32 [length], become vectors [length, width].
///
/// An id below 0, or of count or more, that came past the checks of what is given from outside is
/// an error INVALID_ARGUMENT of Forward, before it has written anything; Backward passes over it.
/// So no id reads or writes outside the weight.
///
/// Attributes: count, 1 to 2^20 ids; width, 1 to 2^20; padding_id [-1: none]: its row is 0 at first
/// and gets no gradient.
/// Parameters: weight [count, width], at first from N(0, 1).
class Embedding final : public Layer {
 public:
  static constexpr const char* kKind = "embedding";
  explicit Embedding(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  ElementType InputType(std::size_t /*input*/) const override { return ElementType::kInt32; }
  IntegerRange InputRange(std::size_t /*input*/, std::span<const Shape> /*inputs*/) const override {
    return {0, static_cast<std::int32_t>(count_ - 1)};
  }
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t /*input*/,
                             std::span<const Shape> /*inputs*/) const override {
    return PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  bool HasTableGradient() const override { return true; }
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

  /// Throws Error: INVALID_ARGUMENT for an id that no row of `count` has; `length` ids are an
  /// example's.
  static void CheckIds(std::span<const std::int32_t> ids, std::int64_t length, std::int64_t count);

 private:
  bool IsId(std::int32_t id) const { return id >= 0 && id < count_; }

  std::int64_t count_;
  std::int64_t width_;
  std::int64_t padding_id_;
};

}  // namespace espalier
