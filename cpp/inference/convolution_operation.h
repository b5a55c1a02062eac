// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/memory.h"
#include "espalier/precision.h"
#include "inference/folded_weights.h"
#include "inference/row_operation.h"
#include "kernels/convolution/conv2d.h"
#include "kernels/matmul/matmul_int8.h"

namespace espalier {

/// y = activation(convolution(x) + bias (+ second input)), plain, grouped or depthwise, then
/// perhaps max pooling 2 x 2; the weights packed once, where that is wanted and pays in bfloat16
/// (kernels/convolution/conv2d_bf16.h), or in int8 as a product at each position.
class ConvolutionOperation final : public RowOperation {
 public:
  ConvolutionOperation(const ConvolutionGeometry& geometry, FoldedWeights weights,
                       FusedActivation activation, bool is_pooled, Precision precision);

  void Run(const OperationCall& call) const override;
  RowWindow window() const override;
  void RunRows(const RowCall& call) const override;
  std::int64_t work() const override { return work_; }
  std::int64_t ScratchFloats(std::int64_t batch) const override;
  std::string Kernel() const override;
  std::int64_t NativeBytes() const override {
    return packed_.bytes() + packed_bf16_.bytes() + int8_.bytes() + bias_.bytes();
  }

 private:
  Epilogue MakeEpilogue(const float* residual) const;
  /// The input of a product in int8: a row of channels for each position of `rows` rows.
  MatrixRef PositionsOf(const float* input, std::int64_t rows) const;

  ConvolutionGeometry geometry_;
  FusedActivation activation_;
  bool is_pooled_;
  std::int64_t work_;
  Precision precision_;
  AlignedArray<float> packed_;  // or packed_bf16_, or int8_, the others empty
  AlignedArray<std::uint32_t> packed_bf16_;
  Int8Weights int8_;
  AlignedArray<float> bias_;
};

}  // namespace espalier
