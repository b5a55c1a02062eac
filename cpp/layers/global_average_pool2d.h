// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// The average of each channel: [channels, height, width] to [channels]. No attributes.
class GlobalAveragePool2d final : public Layer {
 public:
  static constexpr const char* kKind = "global_average_pool2d";
  explicit GlobalAveragePool2d(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;
};

}  // namespace espalier
