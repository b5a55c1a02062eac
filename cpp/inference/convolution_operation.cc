// SPDX-License-Identifier: Apache-2.0
#include "inference/convolution_operation.h"

#include <utility>

namespace espalier {

ConvolutionOperation::ConvolutionOperation(const ConvolutionGeometry& geometry,
                                           FoldedWeights weights, FusedActivation activation)
    : geometry_(geometry), weights_(std::move(weights)), activation_(activation) {}

std::int64_t ConvolutionOperation::work() const {
  return weights_.weights.size() * geometry_.output_height * geometry_.output_width;
}

void ConvolutionOperation::Run(const OperationCall& call) const {
  Epilogue epilogue;
  epilogue.row_bias = weights_.bias.data();
  epilogue.activation = activation_.activation;
  epilogue.slope = activation_.slope;
  Conv2dForward(geometry_, call.batch, call.inputs[0], weights_.weights.data(), epilogue,
                call.output, *call.workspace);
}

}  // namespace espalier
