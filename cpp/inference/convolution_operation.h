// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/memory.h"
#include "inference/folded_weights.h"
#include "inference/operation.h"
#include "kernels/conv2d.h"

namespace espalier {

/// y = activation(convolution(x) + bias), plain, grouped or depthwise, then perhaps max pooling
/// 2 x 2; the weights packed once.
class ConvolutionOperation final : public Operation {
 public:
  ConvolutionOperation(const ConvolutionGeometry& geometry, FoldedWeights weights,
                       FusedActivation activation, bool is_pooled);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return work_; }
  std::int64_t ScratchFloats(std::int64_t /*batch*/) const override {
    return Conv2dScratchFloats(geometry_);
  }
  std::string Kernel() const override;
  std::int64_t NativeBytes() const override { return packed_.bytes() + bias_.bytes(); }

 private:
  ConvolutionGeometry geometry_;
  FusedActivation activation_;
  bool is_pooled_;
  std::int64_t work_;
  AlignedArray<float> packed_;
  AlignedArray<float> bias_;
};

}  // namespace espalier
