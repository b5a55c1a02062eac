// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where values enter and leave a plan, and where their layout changes (layers/layout.h).

#include <optional>

#include "inference/operation.h"
#include "network/input_entry.h"
#include "network/network_state.h"

namespace espalier {

/// A value from outside, normalized on the way if it is an input of the network: (x - mean) / std.
class EnterOperation final : public Operation {
 public:
  EnterOperation(const GraphValue& value, const std::optional<Normalization>& normalization)
      : entry_(value, normalization) {}

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override {
    return entry_.layout().channels * entry_.layout().positions * kElementWork;
  }
  bool ReadsPixels() const override;
  std::int64_t NativeBytes() const override { return entry_.NativeBytes(); }

 private:
  void RunPixels(const OperationCall& call) const;

  InputEntry entry_;
};

/// A value as it is outside.
class LeaveOperation final : public Operation {
 public:
  explicit LeaveOperation(const Shape& shape) : shape_(shape) {}

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return shape_.element_count() * kElementWork; }
  bool is_strided() const override { return true; }
  std::int64_t NativeBytes() const override { return 0; }

 private:
  Shape shape_;
};

}  // namespace espalier
