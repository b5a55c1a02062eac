// SPDX-License-Identifier: Apache-2.0
#include "inference/convolution_operation.h"

#include <string_view>
#include <utility>

#include "core/checked.h"
#include "core/text.h"
#include "kernels/convolution/conv2d_bf16.h"
#include "network/int8_weights.h"

namespace espalier {
namespace {

// As the kernels share it out: without what vectors that channels do not fill cost.
std::int64_t WorkOf(const ConvolutionGeometry& geometry, std::int64_t weights) {
  return SaturatedMultiply(
      SaturatedMultiply(weights, geometry.output_height * geometry.output_width),
      geometry.IsDepthwise() ? kDepthwiseWork : 1);
}

// For people, of a plan with Precision::kInt8; empty: nothing is against it.
std::string_view WhyNotInt8(const ConvolutionGeometry& geometry, bool is_pooled) {
  const std::string_view reason = Int8KeepsFloat(geometry);
  return reason.empty() && is_pooled ? "pooled at once" : reason;
}

}  // namespace

ConvolutionOperation::ConvolutionOperation(const ConvolutionGeometry& geometry,
                                           FoldedWeights weights, FusedActivation activation,
                                           bool is_pooled, Precision precision)
    : geometry_(geometry),
      activation_(activation),
      is_pooled_(is_pooled),
      work_(WorkOf(geometry, weights.weights.size())),
      precision_(precision),
      bias_(std::move(weights.bias)) {
  if (precision == Precision::kBf16Weights && Conv2dKeepsFloat(geometry).empty()) {
    packed_bf16_ = AlignedArray<std::uint32_t>(Conv2dPackedBf16Words(geometry));
    Conv2dPackBf16(geometry, weights.weights.data(), packed_bf16_.data());
    return;
  }
  if (precision == Precision::kInt8 && WhyNotInt8(geometry, is_pooled).empty()) {
    int8_ = QuantizeWeights(
        MatrixRef::RowMajor(weights.weights.data(), geometry.output_channels, geometry.channels)
            .Transposed());
    ScaleColumns(weights.scales.span(), int8_.scales.data());
    return;
  }
  packed_ = AlignedArray<float>(Conv2dPackedFloats(geometry));
  Workspace workspace(1, Conv2dScratchFloats(geometry));
  Conv2dPackWeights(geometry, weights.weights.data(), packed_.data(), workspace);
}

Epilogue ConvolutionOperation::MakeEpilogue(const float* residual) const {
  Epilogue epilogue;
  epilogue.column_bias = bias_.data();
  epilogue.residual = residual;
  epilogue.residual_stride = geometry_.output_channels;
  epilogue.activation = activation_.activation;
  epilogue.slope = activation_.slope;
  return epilogue;
}

MatrixRef ConvolutionOperation::PositionsOf(const float* input, std::int64_t rows) const {
  return MatrixRef::RowMajor(input, rows * geometry_.width, geometry_.channels);
}

std::int64_t ConvolutionOperation::ScratchFloats(std::int64_t batch) const {
  if (int8_.packed.empty()) return Conv2dScratchFloats(geometry_);
  return Int8ScratchFloats(batch * geometry_.height * geometry_.width, geometry_.channels);
}

void ConvolutionOperation::Run(const OperationCall& call) const {
  const Epilogue epilogue = MakeEpilogue(call.inputs.size() > 1 ? call.inputs[1] : nullptr);
  if (!int8_.packed.empty()) {
    ParallelMatmulInt8(PositionsOf(call.inputs[0], call.batch * geometry_.height), int8_,
                       call.output, geometry_.output_channels, epilogue, *call.workspace);
    return;
  }
  if (!packed_bf16_.empty()) {
    Conv2dForwardBf16(geometry_, call.batch, call.inputs[0], packed_bf16_.data(), epilogue,
                      is_pooled_, call.output, *call.workspace);
    return;
  }
  const auto run = is_pooled_ ? Conv2dForwardPooled : Conv2dForward;
  run(geometry_, call.batch, call.inputs[0], packed_.data(), epilogue, call.output,
      *call.workspace);
}

std::string ConvolutionOperation::Kernel() const {
  const std::string kernel = Concat(geometry_.kernel_height, " x ", geometry_.kernel_width, ", ",
                                    Conv2dKernelName(geometry_));
  if (precision_ == Precision::kFp32) return kernel;
  if (!int8_.packed.empty()) return kernel + ", in int8";
  if (precision_ == Precision::kInt8) {
    return Concat(kernel, ", weights in float: ", WhyNotInt8(geometry_, is_pooled_));
  }
  return packed_bf16_.empty() ? Concat(kernel, ", weights in float: ", Conv2dKeepsFloat(geometry_))
                              : kernel + ", weights in bfloat16";
}

RowWindow ConvolutionOperation::window() const {
  return {.input_rows = geometry_.height,
          .output_rows = geometry_.output_height,
          .input_floats = geometry_.width * geometry_.channels,
          .output_floats = geometry_.output_width * geometry_.output_channels,
          .stride = geometry_.stride_height,
          .pad = geometry_.pad_top,
          .span = (geometry_.kernel_height - 1) * geometry_.dilation_height + 1};
}

void ConvolutionOperation::RunRows(const RowCall& call) const {
  if (!int8_.packed.empty()) {
    const float* const first =
        call.input + (call.first - call.input_row) * geometry_.width * geometry_.channels;
    MatmulInt8(PositionsOf(first, call.last - call.first), int8_, call.output,
               geometry_.output_channels, MakeEpilogue(call.residual), call.scratch);
    return;
  }
  Conv2dForwardRows(geometry_,
                    {.input = call.input,
                     .input_row = call.input_row,
                     .first = call.first,
                     .last = call.last,
                     .output = call.output,
                     .scratch = call.scratch},
                    packed_.data(), MakeEpilogue(call.residual));
}

}  // namespace espalier
