// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layers/layer.h"

namespace espalier {

/// The average of each channel: [channels, height, width] to [channels], or to [channels, 1, 1],
/// which scales an image's channels when multiplied with it.
///
/// Attributes: keep_dimensions [false].
class GlobalAveragePool2d final : public Layer {
 public:
  static constexpr const char* kKind = "global_average_pool2d";
  explicit GlobalAveragePool2d(const Attributes& attributes);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override { return {{"keep_dimensions", keeps_dimensions_}}; }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  bool keeps_dimensions_;
};

}  // namespace espalier
