// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "inference/folded_weights.h"
#include "inference/operation.h"
#include "kernels/conv2d.h"

namespace espalier {

/// y = activation(convolution(x) + bias), plain, grouped or depthwise.
class ConvolutionOperation final : public Operation {
 public:
  ConvolutionOperation(const ConvolutionGeometry& geometry, FoldedWeights weights,
                       FusedActivation activation);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override;
  std::int64_t ScratchFloats(std::int64_t /*batch*/) const override {
    return Conv2dScratchFloats(geometry_);
  }
  std::int64_t NativeBytes() const override {
    return weights_.weights.bytes() + weights_.bias.bytes();
  }

 private:
  ConvolutionGeometry geometry_;
  FoldedWeights weights_;
  FusedActivation activation_;
};

}  // namespace espalier
