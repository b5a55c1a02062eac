// SPDX-License-Identifier: Apache-2.0
#include "layers/convolution.h"

#include <algorithm>

#include "core/checked.h"
#include "kernels/convolution/small_images.h"
#include "kernels/norms/channels.h"
#include "layers/work.h"

namespace espalier {
namespace {

ChannelLayout OutputLayout(const ConvolutionGeometry& geometry, std::int64_t batch) {
  return {.rows = batch * geometry.output_height * geometry.output_width,
          .channels = geometry.output_channels};
}

}  // namespace

Convolution::Convolution(AttributeReader& reader) {
  constexpr std::array<std::int64_t, 2> kOne = {1, 1};
  window_.size = reader.Pair("kernel", 1, kMaxWindow);
  window_.stride = reader.Pair("stride", 1, kMaxWindow, kOne);
  window_.padding = Padding::Read(reader, Padding{.is_same = true});
  window_.dilation = reader.Pair("dilation", 1, kMaxWindow, kOne);
  has_bias_ = reader.Flag("bias", true);
  initializer_ = WeightInitializer::Read(reader);
}

ConvolutionGeometry Convolution::Geometry(std::span<const Shape> inputs) const {
  const Shape& input = ImageInput(inputs, kind());
  const WindowPlacement placement = PlaceWindow(window_, input, kind());
  const Channels channels = ChannelsFor(input[0]);
  return {
      .channels = input[0],
      .height = input[1],
      .width = input[2],
      .output_channels = channels.output,
      .output_height = placement.output_height,
      .output_width = placement.output_width,
      .kernel_height = window_.size[0],
      .kernel_width = window_.size[1],
      .stride_height = window_.stride[0],
      .stride_width = window_.stride[1],
      .dilation_height = window_.dilation[0],
      .dilation_width = window_.dilation[1],
      .pad_top = placement.pad_top,
      .pad_left = placement.pad_left,
      .groups = channels.groups,
  };
}

Attributes Convolution::attributes() const {
  const auto list = [](const std::array<std::int64_t, 2>& pair) {
    return std::vector<std::int64_t>(pair.begin(), pair.end());
  };
  Attributes result = {{"kernel", list(window_.size)},
                       {"stride", list(window_.stride)},
                       {"padding", window_.padding.ToAttribute()},
                       {"dilation", list(window_.dilation)},
                       {"bias", has_bias_}};
  initializer_.Write(result);
  return result;
}

Shape Convolution::OutputShape(std::span<const Shape> inputs) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  return Shape::Image(geometry.output_channels, geometry.output_height, geometry.output_width);
}

std::int64_t Convolution::Work(std::span<const Shape> inputs) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  const std::int64_t positions = geometry.output_height * geometry.output_width;
  const std::int64_t taps = geometry.kernel_height * geometry.kernel_width;
  // Of a depthwise convolution, or one output channel of another.
  const std::int64_t products =
      geometry.IsDepthwise()
          ? kDepthwiseWork * WholeVectors(geometry.channels)
          : SaturatedMultiply(geometry.channels,
                              WholeVectors(geometry.output_channels / geometry.groups));
  const std::int64_t gathered = geometry.IsDepthwise() ? 0 : kGatherWork * geometry.groups;
  return SaturatedAdd(
      SaturatedMultiply(SaturatedMultiply(positions, taps), SaturatedAdd(products, gathered)),
      ElementWork(inputs, OutputShape(inputs)));
}

std::vector<ParameterSpec> Convolution::Parameters(std::span<const Shape> inputs) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  const Shape weight{geometry.output_channels, geometry.channels / geometry.groups,
                     geometry.kernel_height, geometry.kernel_width};
  const std::int64_t taps = geometry.kernel_height * geometry.kernel_width;
  std::vector<ParameterSpec> result = {
      {.name = "weight",
       .shape = weight,
       .role = ParameterRole::kWeight,
       .initializer = initializer_.For(weight[1] * taps, geometry.output_channels * taps)}};
  if (has_bias_) {
    result.push_back({.name = "bias",
                      .shape = Shape{geometry.output_channels},
                      .role = ParameterRole::kBias,
                      .initializer = {}});
  }
  return result;
}

// Weights that change are packed for each pass, but for small images; others once, for Forward and
// then for Backward.
LayerMemory Convolution::Memory(std::int64_t batch, std::span<const Shape> inputs,
                                const LayerUse& use) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  const std::int64_t partials = ChannelPartialFloats(OutputLayout(geometry, batch));
  if (use.grad_parameters && HasSmallImages(geometry)) {
    const std::int64_t patches = SmallImagesFloats(geometry, batch);
    return {.forward = patches, .backward = std::max(patches, partials), .reads_inputs = true};
  }
  const std::int64_t packed = Conv2dPackedFloats(geometry);
  const std::int64_t packed_backward = use.grad_inputs ? Conv2dPackedBackwardFloats(geometry) : 0;
  if (!use.grad_parameters) return {.prepared = CheckedAdd(packed, packed_backward)};
  return {.forward = packed,
          .backward =
              std::max({packed_backward, Conv2dBackwardWeightsFloats(geometry, batch), partials}),
          .reads_inputs = true};
}

void Convolution::Prepare(std::span<const Shape> inputs, const LayerUse& use,
                          std::span<const float* const> parameters, float* prepared,
                          Workspace& workspace) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  Conv2dPackWeights(geometry, parameters[0], prepared, workspace);
  if (!use.grad_inputs) return;
  Conv2dPackWeightsBackward(geometry, parameters[0], prepared + Conv2dPackedFloats(geometry),
                            workspace);
}

std::int64_t Convolution::ScratchFloats(std::int64_t /*batch*/,
                                        std::span<const Shape> inputs) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  const std::int64_t floats = Conv2dScratchFloats(geometry);
  return HasSmallImages(geometry) ? std::max(floats, SmallImagesScratchFloats(geometry)) : floats;
}

void Convolution::Forward(const ForwardArguments& arguments) const {
  const ConvolutionGeometry geometry = Geometry(arguments.input_shapes);
  Epilogue epilogue{.activation = arguments.activation, .slope = arguments.slope};
  if (has_bias_) epilogue.column_bias = arguments.parameters[1];
  const float* packed = arguments.prepared;
  if (packed == nullptr && HasSmallImages(geometry)) {
    SmallImagesForward(geometry, arguments.batch, arguments.inputs[0], arguments.parameters[0],
                       epilogue, arguments.output, arguments.temporary, *arguments.workspace);
    return;
  }
  if (packed == nullptr) {
    Conv2dPackWeights(geometry, arguments.parameters[0], arguments.temporary, *arguments.workspace);
    packed = arguments.temporary;
  }
  Conv2dForward(geometry, arguments.batch, arguments.inputs[0], packed, epilogue, arguments.output,
                *arguments.workspace);
}

void Convolution::Backward(const BackwardArguments& arguments) const {
  const ConvolutionGeometry geometry = Geometry(arguments.input_shapes);
  const bool has_small_images = arguments.prepared == nullptr && HasSmallImages(geometry);
  float* grad_input = arguments.grad_inputs[0];
  if (grad_input != nullptr && has_small_images) {
    SmallImagesBackwardInput(geometry, arguments.batch, arguments.grad_output,
                             arguments.parameters[0], grad_input, arguments.temporary,
                             *arguments.workspace);
  } else if (grad_input != nullptr) {
    const float* packed = arguments.temporary;
    if (arguments.prepared != nullptr) {
      packed = arguments.prepared + Conv2dPackedFloats(geometry);
    } else {
      Conv2dPackWeightsBackward(geometry, arguments.parameters[0], arguments.temporary,
                                *arguments.workspace);
    }
    Conv2dBackwardInput(geometry, arguments.batch, arguments.grad_output, packed, grad_input,
                        *arguments.workspace);
  }
  float* grad_weight = arguments.grad_parameters[0];
  float* grad_bias = has_bias_ ? arguments.grad_parameters[1] : nullptr;
  if (grad_weight != nullptr && has_small_images) {
    SmallImagesBackwardWeights(geometry, arguments.batch, arguments.inputs[0],
                               arguments.grad_output, grad_weight, arguments.temporary,
                               *arguments.workspace);
  } else if (grad_weight != nullptr) {
    Conv2dBackwardWeights(geometry, arguments.batch, arguments.inputs[0], arguments.grad_output,
                          grad_weight, grad_bias, arguments.temporary, *arguments.workspace);
    return;
  }
  if (grad_bias != nullptr) {
    ChannelSums(OutputLayout(geometry, arguments.batch), arguments.grad_output, grad_bias,
                arguments.temporary, *arguments.workspace);
  }
}

}  // namespace espalier
