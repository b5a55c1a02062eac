// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/convolution/conv2d.h"
#include "layers/initializer.h"
#include "layers/layer.h"
#include "layers/window.h"

namespace espalier {

/// What conv2d and depthwise_conv2d share: cross-correlation of an image [channels, h, w]
/// with kernels [output channels, channels / groups, kh, kw], plus a bias per channel.
///
/// Attributes of both: kernel (n or [h, w]); stride [1]; padding ["same"], see
/// Padding::Read; dilation [1]; bias [true]; initializer ["he_normal"] and, for
/// "constant", initializer_value [0].
/// Parameters: weight; bias [output channels], zero at first.
class Convolution : public Layer {
 public:
  /// Throws Error: SHAPE_MISMATCH if the input does not fit.
  ConvolutionGeometry Geometry(std::span<const Shape> inputs) const;
  bool has_bias() const { return has_bias_; }

  Attributes attributes() const override;
  LayerTraits Traits(std::span<const Shape> inputs) const override {
    return {.convolution = Geometry(inputs)};
  }
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  bool FusesActivation() const override { return true; }
  void Prepare(std::span<const Shape> inputs, const LayerUse& use,
               std::span<const float* const> parameters, float* prepared,
               Workspace& workspace) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 protected:
  /// Reads the attributes that both kinds have.
  explicit Convolution(AttributeReader& reader);

  struct Channels {
    std::int64_t output;
    std::int64_t groups;
  };
  /// For that many input channels. Throws Error: SHAPE_MISMATCH if they do not fit.
  virtual Channels ChannelsFor(std::int64_t input_channels) const = 0;

 private:
  Window window_;
  bool has_bias_;
  WeightInitializer initializer_;
};

}  // namespace espalier
