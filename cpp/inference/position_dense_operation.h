// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "inference/dense_operation.h"
#include "inference/operation.h"

namespace espalier {

/// A dense layer at each of an example's positions: one product over the positions of all examples.
class PositionDenseOperation final : public Operation {
 public:
  /// `inputs` and `weights`: of one position.
  PositionDenseOperation(std::int64_t positions, const Length& length, std::int64_t inputs,
                         FoldedWeights weights, FusedActivation activation, Precision precision);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override;
  std::int64_t ScratchFloats(std::int64_t batch) const override {
    return dense_.ScratchFloats(batch * positions_);
  }
  std::int64_t NativeBytes() const override { return dense_.NativeBytes(); }
  std::string Kernel() const override;

 private:
  std::int64_t positions_;
  Length length_;
  std::int64_t outputs_;
  DenseOperation dense_;
};

}  // namespace espalier
