// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/memory.h"
#include "inference/operation.h"
#include "network/network_state.h"

namespace espalier {

/// A layer norm whose parameters lie as the values do.
class LayerNormOperation final : public Operation {
 public:
  LayerNormOperation(const NetworkState& network, int index);

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return shape_.element_count() * kElementWork; }
  std::int64_t NativeBytes() const override { return weight_.bytes() + bias_.bytes(); }

 private:
  double epsilon_;
  Shape shape_;
  AlignedArray<float> weight_;
  AlignedArray<float> bias_;
};

}  // namespace espalier
