// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// Two or more inputs one after another along the first dimension (channels of images); the
/// other dimensions are equal. No attributes.
class ConcatLayer final : public Layer {
 public:
  static constexpr const char* kKind = "concat";
  explicit ConcatLayer(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
};

}  // namespace espalier
