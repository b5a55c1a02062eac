// SPDX-License-Identifier: Apache-2.0
#include "layers/conv_transpose2d.h"

#include <algorithm>
#include <vector>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/norms/channels.h"
#include "layers/partition.h"
#include "layers/work.h"

namespace espalier {
namespace {

std::vector<std::int64_t> ListOf(const std::array<std::int64_t, 2>& pair) {
  return {pair.begin(), pair.end()};
}

ChannelLayout OutputLayout(const ConvolutionGeometry& geometry, std::int64_t batch) {
  return {.rows = batch * geometry.height * geometry.width, .channels = geometry.channels};
}

}  // namespace

ConvTranspose2d::ConvTranspose2d(const Attributes& attributes) {
  constexpr std::array<std::int64_t, 2> kOne = {1, 1};
  constexpr std::array<std::int64_t, 2> kNone = {0, 0};
  AttributeReader reader(kKind, attributes);
  channels_ = reader.Whole("channels", 1, kMaxUnits);
  groups_ = reader.Whole("groups", 1, kMaxUnits, 1);
  window_.size = reader.Pair("kernel", 1, kMaxWindow);
  window_.stride = reader.Pair("stride", 1, kMaxWindow, kOne);
  window_.padding = Padding::Read(reader, Padding{});
  window_.dilation = reader.Pair("dilation", 1, kMaxWindow, kOne);
  output_padding_ = reader.Pair("output_padding", 0, kMaxWindow, kNone);
  has_bias_ = reader.Flag("bias", true);
  initializer_ = WeightInitializer::Read(reader);
  reader.Finish();
  if (channels_ % groups_ != 0) {
    reader.FailAt("groups", Concat("a divisor of channels ", channels_), groups_);
  }
  for (std::size_t axis = 0; axis < output_padding_.size(); ++axis) {
    const std::int64_t most = std::max(window_.stride[axis], window_.dilation[axis]);
    if (output_padding_[axis] >= most || (window_.padding.is_same && output_padding_[axis] != 0)) {
      reader.FailAt("output_padding", "less than stride or dilation, and 0 with \"same\"",
                    ListOf(output_padding_));
    }
  }
}

Attributes ConvTranspose2d::attributes() const {
  Attributes result = {{"channels", channels_},
                       {"groups", groups_},
                       {"kernel", ListOf(window_.size)},
                       {"stride", ListOf(window_.stride)},
                       {"padding", window_.padding.ToAttribute()},
                       {"dilation", ListOf(window_.dilation)},
                       {"output_padding", ListOf(output_padding_)},
                       {"bias", has_bias_}};
  initializer_.Write(result);
  return result;
}

Shape ConvTranspose2d::OutputShape(std::span<const Shape> inputs) const {
  const Shape& input = ImageInput(inputs, kKind);
  if (input[0] % groups_ != 0) {
    Fail(ErrorCode::kShapeMismatch, kKind, ": expected input channels that are a multiple of ",
         groups_, " groups, got ", input[0]);
  }
  const Padding& padding = window_.padding;
  const auto size = [&](int axis) {
    const auto at = static_cast<std::size_t>(axis - 1);
    const std::int64_t stride = window_.stride[at];
    if (padding.is_same) return CheckedMultiply(input[axis], stride);
    const std::int64_t extent = (window_.size[at] - 1) * window_.dilation[at] + 1;
    const std::int64_t left_out =
        axis == 1 ? padding.top + padding.bottom : padding.left + padding.right;
    const std::int64_t result =
        CheckedMultiply(input[axis] - 1, stride) + extent + output_padding_[at] - left_out;
    if (result < 1) {
      Fail(ErrorCode::kShapeMismatch, kKind, ": expected a padding that leaves at least 1 ",
           axis == 1 ? "row" : "column", ", got ", result);
    }
    return result;
  };
  return Shape::Image(channels_, size(1), size(2));
}

ConvolutionGeometry ConvTranspose2d::Geometry(std::span<const Shape> inputs) const {
  const Shape output = OutputShape(inputs);
  const Shape& input = inputs[0];
  std::int64_t pad_top = window_.padding.top;
  std::int64_t pad_left = window_.padding.left;
  if (window_.padding.is_same) {
    const WindowPlacement placement = PlaceWindow(window_, output, kKind);
    pad_top = placement.pad_top;
    pad_left = placement.pad_left;
  }
  return {.channels = channels_,
          .height = output[1],
          .width = output[2],
          .output_channels = input[0],
          .output_height = input[1],
          .output_width = input[2],
          .kernel_height = window_.size[0],
          .kernel_width = window_.size[1],
          .stride_height = window_.stride[0],
          .stride_width = window_.stride[1],
          .dilation_height = window_.dilation[0],
          .dilation_width = window_.dilation[1],
          .pad_top = pad_top,
          .pad_left = pad_left,
          .groups = groups_};
}

std::int64_t ConvTranspose2d::Work(std::span<const Shape> inputs) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  const std::int64_t positions = geometry.output_height * geometry.output_width;
  const std::int64_t taps = geometry.kernel_height * geometry.kernel_width;
  const std::int64_t products =
      SaturatedMultiply(geometry.output_channels, WholeVectors(channels_ / groups_));
  return SaturatedAdd(SaturatedMultiply(SaturatedMultiply(positions, taps),
                                        SaturatedAdd(products, kGatherWork * groups_)),
                      ElementWork(inputs, OutputShape(inputs)));
}

std::vector<ParameterSpec> ConvTranspose2d::Parameters(std::span<const Shape> inputs) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  const std::int64_t taps = geometry.kernel_height * geometry.kernel_width;
  std::vector<ParameterSpec> result = {
      {.name = "weight",
       .shape = Shape{geometry.output_channels, channels_ / groups_, geometry.kernel_height,
                      geometry.kernel_width},
       .role = ParameterRole::kWeight,
       .initializer =
           initializer_.For(geometry.output_channels / groups_ * taps, channels_ * taps)}};
  if (has_bias_) {
    result.push_back({.name = "bias",
                      .shape = Shape{channels_},
                      .role = ParameterRole::kBias,
                      .initializer = {}});
  }
  return result;
}

// As Convolution's, the passes exchanged.
LayerMemory ConvTranspose2d::Memory(std::int64_t batch, std::span<const Shape> inputs,
                                    const LayerUse& use) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  const std::int64_t packed = Conv2dPackedBackwardFloats(geometry);
  const std::int64_t packed_backward = use.grad_inputs ? Conv2dPackedFloats(geometry) : 0;
  if (!use.grad_parameters) return {.prepared = CheckedAdd(packed, packed_backward)};
  return {.forward = packed,
          .backward = std::max({packed_backward, Conv2dBackwardWeightsFloats(geometry, batch),
                                ChannelPartialFloats(OutputLayout(geometry, batch))}),
          .reads_inputs = true};
}

std::int64_t ConvTranspose2d::ScratchFloats(std::int64_t /*batch*/,
                                            std::span<const Shape> inputs) const {
  return Conv2dScratchFloats(Geometry(inputs));
}

void ConvTranspose2d::Prepare(std::span<const Shape> inputs, const LayerUse& use,
                              std::span<const float* const> parameters, float* prepared,
                              Workspace& workspace) const {
  const ConvolutionGeometry geometry = Geometry(inputs);
  Conv2dPackWeightsBackward(geometry, parameters[0], prepared, workspace);
  if (!use.grad_inputs) return;
  Conv2dPackWeights(geometry, parameters[0], prepared + Conv2dPackedBackwardFloats(geometry),
                    workspace);
}

void ConvTranspose2d::Forward(const ForwardArguments& arguments) const {
  const ConvolutionGeometry geometry = Geometry(arguments.input_shapes);
  const float* packed = arguments.prepared;
  if (packed == nullptr) {
    Conv2dPackWeightsBackward(geometry, arguments.parameters[0], arguments.temporary,
                              *arguments.workspace);
    packed = arguments.temporary;
  }
  Conv2dBackwardInput(geometry, arguments.batch, arguments.inputs[0], packed, arguments.output,
                      *arguments.workspace);
  if (!has_bias_) return;
  const ChannelLayout layout = OutputLayout(geometry, arguments.batch);
  ForRows(*arguments.workspace, layout.rows, layout.channels,
          [&](std::int64_t first, std::int64_t last) {
            AddToRows(layout.channels, first, last, arguments.parameters[1], arguments.output);
          });
}

void ConvTranspose2d::Backward(const BackwardArguments& arguments) const {
  const ConvolutionGeometry geometry = Geometry(arguments.input_shapes);
  if (float* grad_input = arguments.grad_inputs[0]) {
    const float* packed = arguments.temporary;
    if (arguments.prepared != nullptr) {
      packed = arguments.prepared + Conv2dPackedBackwardFloats(geometry);
    } else {
      Conv2dPackWeights(geometry, arguments.parameters[0], arguments.temporary,
                        *arguments.workspace);
    }
    Conv2dForward(geometry, arguments.batch, arguments.grad_output, packed, {}, grad_input,
                  *arguments.workspace);
  }
  if (float* grad_weight = arguments.grad_parameters[0]) {
    Conv2dBackwardWeights(geometry, arguments.batch, arguments.grad_output, arguments.inputs[0],
                          grad_weight, nullptr, arguments.temporary, *arguments.workspace);
  }
  if (float* grad_bias = has_bias_ ? arguments.grad_parameters[1] : nullptr) {
    ChannelSums(OutputLayout(geometry, arguments.batch), arguments.grad_output, grad_bias,
                arguments.temporary, *arguments.workspace);
  }
}

}  // namespace espalier
