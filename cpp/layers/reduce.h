// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// A reduction over some dimensions.
///
/// Attributes:
///   reduction ["mean"]: or "sum", "max", "min", "l2", which is √(sum of squares).
///   axes [all]: a list, from -8 to 7; negative ones count from the end.
///   keep_dimensions [false]: keep the dimensions that are reduced, with size 1. Without it a value
///   of
///     which nothing else is left is [1].
/// NaN is the maximum and minimum of what has one. The gradient of a maximum or minimum goes to the
/// first, that of an l2 of 0 is 0.
class Reduce final : public Layer {
 public:
  static constexpr const char* kKind = "reduce";
  explicit Reduce(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  /// Of the height and width of images: channels last.
  LayoutRule layout_rule() const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  enum class Operation { kMean, kSum, kMax, kMin, kL2 };
  struct Arrangement;

  bool ReadsValues() const;
  std::array<bool, Shape::kMaxRank> ReducedAxes(const Shape& input) const;
  Arrangement Arrange(const Shape& input) const;

  Operation operation_;
  std::vector<std::int64_t> axes_;
  bool keeps_dimensions_;
};

}  // namespace espalier
