// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/copies/strided_copy.h"
#include "layers/attribute_reader.h"
#include "layers/layer.h"
#include "layers/strides.h"

namespace espalier {

/// Elements around a value, in any dimension.
///
/// Attributes: before and after [before]: how many in each dimension, first dimension first, as
/// many
///   numbers as there are dimensions, each 0 to 4096.
///   mode ["constant"]: all are `value` [0]; "reflect": the value seen in a mirror whose middle is
///   the outermost element, which allows one element less than there are; "edge": the outermost
///   element again.
class Pad final : public Layer {
 public:
  static constexpr const char* kKind = "pad";
  explicit Pad(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kAny; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  enum class Fill { kConstant, kReflect, kEdge };
  struct Interior;
  struct Slab;

  Interior InteriorOf(const Shape& input, const Shape& output, Layout layout) const;
  /// Calls visit(slab) for each layer of padding and what it repeats, the first axis first: what is
  /// padded along an axis is padded along those before it. Or all that from the last to the first.
  template <typename Visit>
  void ForSlabs(const Shape& input, const Shape& output, Layout layout, bool is_reversed,
                Visit visit) const;

  std::vector<std::int64_t> before_;
  std::vector<std::int64_t> after_;
  Fill fill_;
  double value_;
};

}  // namespace espalier
