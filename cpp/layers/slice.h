// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/copies/strided_copy.h"
#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// Part of a value: from `begin` on every `step`-th element before `end`, in each dimension, first
/// dimension first.
///
/// Attributes, as many numbers each as there are dimensions:
///   begin; end [2^40]: negative ones count from the dimension's end, those outside are taken for
///     the nearest that are not. step [1]: 1 to 2^20.
class Slice final : public Layer {
 public:
  static constexpr const char* kKind = "slice";
  explicit Slice(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  struct Part;
  Part PartOf(const Shape& input, const Shape& output, Layout layout) const;

  std::vector<std::int64_t> begin_;
  std::vector<std::int64_t> end_;
  std::vector<std::int64_t> step_;
};

}  // namespace espalier
