// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "kernels/convolution/conv2d.h"
#include "layers/initializer.h"
#include "layers/layer.h"
#include "layers/window.h"

namespace espalier {

/// Transposed convolution of an image [channels, h, w], as PyTorch's ConvTranspose2d: the map that
/// a convolution's backward pass is, with a bias. Each element of the input adds its multiple of
/// the kernel to the output, `stride` rows and columns apart; padding is what is then left out at
/// each side.
///
/// Output sizes: (n - 1) · stride + dilation · (kernel - 1) + 1 + output_padding - padding.
///
/// Attributes: channels of the output; kernel (n or [h, w]); stride [1]; padding ["valid"], see
///   Padding::Read, where "same" gives n · stride; output_padding [0], rows and columns more at the
///   end, less than stride or dilation and none with "same"; dilation [1]; groups [1], which divide
///   the channels of input and output; bias [true]; initializer ["he_normal"] and, for "constant",
///   initializer_value [0].
/// Parameters: weight [input channels, channels / groups, h, w]; bias [channels], zero at first.
/// Source: Dumoulin and Visin, 2016, arXiv:1603.07285.
class ConvTranspose2d final : public Layer {
 public:
  static constexpr const char* kKind = "conv_transpose2d";
  explicit ConvTranspose2d(const Attributes& attributes);

  /// The convolution from the output to the input that has this layer's weights.
  ConvolutionGeometry Geometry(std::span<const Shape> inputs) const;

  std::string_view kind() const override { return kKind; }
  Attributes attributes() const override;
  Shape OutputShape(std::span<const Shape> inputs) const override;
  std::int64_t Work(std::span<const Shape> inputs) const override;
  std::vector<ParameterSpec> Parameters(std::span<const Shape> inputs) const override;
  LayerMemory Memory(std::int64_t batch, std::span<const Shape> inputs,
                     const LayerUse& use) const override;
  std::int64_t ScratchFloats(std::int64_t batch, std::span<const Shape> inputs) const override;
  void Prepare(std::span<const Shape> inputs, const LayerUse& use,
               std::span<const float* const> parameters, float* prepared,
               Workspace& workspace) const override;
  void Forward(const ForwardArguments& arguments) const override;
  void Backward(const BackwardArguments& arguments) const override;

 private:
  std::int64_t channels_;
  std::int64_t groups_;
  Window window_;
  std::array<std::int64_t, 2> output_padding_;
  bool has_bias_;
  WeightInitializer initializer_;
};

}  // namespace espalier
