// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/pooling/pooling.h"
#include "layers/layer.h"

namespace espalier {

/// The maximum of each channel: [channels, height, width] to [channels], or to [channels, 1, 1].
/// NaN wins. The gradient goes to the first maximum.
///
/// Attributes: keep_dimensions [false].
class GlobalMaxPool2d final : public Layer {
 public:
  static constexpr const char* kKind = "global_max_pool2d";
  explicit GlobalMaxPool2d(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"keep_dimensions", keeps_dimensions_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  bool keeps_dimensions_;
};

}  // namespace espalier
