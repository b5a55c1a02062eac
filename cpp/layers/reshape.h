// SPDX-License-Identifier: Apache-2.0
#pragma once

// The same elements, in the same row-major order, under another shape.

#include <cstdint>
#include <vector>

#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// What reshape, squeeze and unsqueeze share.
class SameElements : public Layer {
 public:
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
};

/// Attribute: shape, 1 to 8 dimensions from 1 on; one of them may be -1, what is left for it.
class Reshape final : public SameElements {
 public:
  static constexpr const char* kKind = "reshape";
  explicit Reshape(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"shape", shape_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;

 private:
  std::vector<std::int64_t> shape_;
};

/// Leaves out dimensions of size 1. Attribute: axes [all of size 1], negative ones counted from the
/// end. If no dimension is left, the output is [1].
class Squeeze final : public SameElements {
 public:
  static constexpr const char* kKind = "squeeze";
  explicit Squeeze(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"axes", axes_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;

 private:
  std::vector<std::int64_t> axes_;
};

/// Puts dimensions of size 1 in. Attribute: axes, where they stand in the output, negative ones
/// counted from its end.
class Unsqueeze final : public SameElements {
 public:
  static constexpr const char* kKind = "unsqueeze";
  explicit Unsqueeze(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"axes", axes_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;

 private:
  std::vector<std::int64_t> axes_;
};

}  // namespace espalier
