// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/pooling.h"
#include "layers/layer.h"

namespace espalier {

/// The maximum of each channel: [channels, height, width] to [channels]. NaN wins. The gradient
/// goes to the first maximum. No attributes.
class GlobalMaxPool2d final : public Layer {
 public:
  static constexpr const char* kKind = "global_max_pool2d";
  explicit GlobalMaxPool2d(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
};

}  // namespace espalier
