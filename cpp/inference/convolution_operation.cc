// SPDX-License-Identifier: Apache-2.0
#include "inference/convolution_operation.h"

#include <utility>

#include "core/text.h"

namespace espalier {

ConvolutionOperation::ConvolutionOperation(const ConvolutionGeometry& geometry,
                                           FoldedWeights weights, FusedActivation activation,
                                           bool is_pooled)
    : geometry_(geometry),
      activation_(activation),
      is_pooled_(is_pooled),
      work_(weights.weights.size() * geometry.output_height * geometry.output_width),
      packed_(Conv2dPackedFloats(geometry)),
      bias_(std::move(weights.bias)) {
  Workspace workspace(1, Conv2dScratchFloats(geometry));
  Conv2dPackWeights(geometry, weights.weights.data(), packed_.data(), workspace);
}

void ConvolutionOperation::Run(const OperationCall& call) const {
  Epilogue epilogue;
  epilogue.column_bias = bias_.data();
  epilogue.activation = activation_.activation;
  epilogue.slope = activation_.slope;
  const auto run = is_pooled_ ? Conv2dForwardPooled : Conv2dForward;
  run(geometry_, call.batch, call.inputs[0], packed_.data(), epilogue, call.output,
      *call.workspace);
}

std::string ConvolutionOperation::Kernel() const {
  return Concat(geometry_.kernel_height, " x ", geometry_.kernel_width, ", ",
                Conv2dKernelName(geometry_));
}

}  // namespace espalier
