// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/memory.h"
#include "espalier/precision.h"
#include "inference/folded_weights.h"
#include "inference/row_operation.h"
#include "kernels/convolution/conv2d.h"

namespace espalier {

/// Why a convolution stays in float in a plan with Precision::kInt8, for people: "depthwise";
/// empty: it is a dense layer at each position.
std::string_view Int8KeepsFloat(const ConvolutionGeometry& geometry, bool is_pooled);

/// y = activation(convolution(x) + bias (+ second input)), plain, grouped or depthwise, then
/// perhaps max pooling 2 x 2; the weights packed once, in bfloat16 where that is wanted and pays
/// (kernels/convolution/conv2d_bf16.h). In int8 a convolution is a PositionDenseOperation.
class ConvolutionOperation final : public RowOperation {
 public:
  ConvolutionOperation(const ConvolutionGeometry& geometry, FoldedWeights weights,
                       FusedActivation activation, bool is_pooled, Precision precision);

  void Run(const OperationCall& call) const override;
  RowWindow window() const override;
  void RunRows(const RowCall& call) const override;
  std::int64_t work() const override { return work_; }
  std::int64_t ScratchFloats(std::int64_t /*batch*/) const override {
    return Conv2dScratchFloats(geometry_);
  }
  std::string Kernel() const override;
  std::int64_t NativeBytes() const override {
    return packed_.bytes() + packed_bf16_.bytes() + bias_.bytes();
  }

 private:
  Epilogue MakeEpilogue(const float* residual) const;

  ConvolutionGeometry geometry_;
  FusedActivation activation_;
  bool is_pooled_;
  std::int64_t work_;
  Precision precision_;
  AlignedArray<float> packed_;  // or packed_bf16_, the other one empty
  AlignedArray<std::uint32_t> packed_bf16_;
  AlignedArray<float> bias_;
};

}  // namespace espalier
