// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/copies/strided_copy.h"
#include "layers/attribute_reader.h"
#include "layers/layer.h"

namespace espalier {

/// A value repeated along its dimensions of size 1, and along new ones before the first, as NumPy
/// broadcasts.
///
/// Attribute: shape of the output, 1 to 8 dimensions; -1 keeps the input's. The last of them is the
/// input's last.
class Expand final : public Layer {
 public:
  static constexpr const char* kKind = "expand";
  explicit Expand(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"shape", shape_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::vector<std::int64_t> shape_;
};

}  // namespace espalier
