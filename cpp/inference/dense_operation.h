// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/memory.h"
#include "espalier/precision.h"
#include "inference/folded_weights.h"
#include "inference/operation.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/matmul_int8.h"

namespace espalier {

/// y = activation(x · weightᵀ + bias (+ second input)), the weights packed once: in float,
/// bfloat16, or, where Int8KeepsFloat says nothing against it, in int8. Several sets of weights
/// with the same input, as of heads side by side, make one product.
class DenseOperation final : public Operation {
 public:
  DenseOperation(std::int64_t inputs, const std::vector<FoldedWeights>& parts,
                 FusedActivation activation, Precision precision);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return inputs_ * outputs_; }
  std::int64_t ScratchFloats(std::int64_t batch) const override;
  bool is_strided() const override { return true; }
  std::string Kernel() const override;
  std::int64_t NativeBytes() const override {
    return packed_.bytes() + packed_bf16_.bytes() + int8_.bytes() + bias_.bytes();
  }

 private:
  void Multiply(const OperationCall& call, const Epilogue& epilogue) const;

  std::int64_t inputs_ = 0;
  std::int64_t outputs_ = 0;
  AlignedArray<float> packed_;  // or one of the next two, the others empty
  AlignedArray<std::uint32_t> packed_bf16_;
  Int8Weights int8_;
  std::string form_;  // of the weights, where it isn't what one expects
  AlignedArray<float> bias_;
  Epilogue epilogue_;  // but for the second input
};

}  // namespace espalier
