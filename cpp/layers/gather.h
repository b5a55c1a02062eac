// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// Chosen places along one dimension, in any order, some more than once.
///
/// Attributes: indices, 1 to 2^20 of them; negative ones count from the dimension's end.
///   axis [0], from -8 to 7; negative ones count from the last dimension.
class Gather final : public Layer {
 public:
  static constexpr const char* kKind = "gather";
  explicit Gather(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"indices", indices_}, {"axis", axis_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::vector<std::int64_t> indices_;
  std::int64_t axis_;
};

}  // namespace espalier
