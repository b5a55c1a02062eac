// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "inference/operation.h"

namespace espalier {

/// y = activation(the sum of all inputs): a sum or an activation that found nothing to be
/// fused into.
class ElementwiseOperation final : public Operation {
 public:
  ElementwiseOperation(std::int64_t floats, const Length& length, FusedActivation activation)
      : floats_(floats), length_(length), activation_(activation) {}

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return floats_ * kElementWork; }
  std::int64_t NativeBytes() const override { return 0; }

 private:
  std::int64_t floats_;
  Length length_;
  FusedActivation activation_;
};

}  // namespace espalier
