// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// The same values as a vector, images in C, H, W order. No attributes.
class Flatten final : public Layer {
 public:
  static constexpr const char* kKind = "flatten";
  explicit Flatten(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  LayerTraits Traits(std::span<const Shape> /*inputs*/) const override {
    return {.flattens = true};
  }
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
};

}  // namespace espalier
