// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "layers/conv2d.h"

namespace espalier {

/// Convolution along a sequence [channels, length]: conv2d of the image [channels, 1, length].
///
/// Attributes: channels of the output; kernel; stride [1]; padding ["same"], "valid", one number
///   for both ends or [begin, end]; dilation [1]; groups [1]; bias [true]; initializer
///   ["he_normal"] and, for "constant", initializer_value [0]. Ranges are Conv2d's.
/// Parameters: weight [channels, input channels / groups, kernel]; bias [channels], zero at first.
class Conv1d final : public Layer {
 public:
  static constexpr const char* kKind = "conv1d";
  explicit Conv1d(const Attributes& attributes);

  /// The convolution that does the work.
  const Conv2d& image_convolution() const { return convolution_; }
  /// [channels, 1, length]. Throws Error: SHAPE_MISMATCH if the input is no sequence.
  static Shape ImageOf(std::span<const Shape> inputs);

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  bool FusesActivation() const override { return convolution_.FusesActivation(); }
  void Prepare(std::span<const Shape> inputs, const LayerUse& use,
               std::span<const float* const> parameters, float* prepared,
               Workspace& workspace) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  Conv2d convolution_;
};

}  // namespace espalier
