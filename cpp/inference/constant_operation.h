// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "core/memory.h"
#include "inference/operation.h"

namespace espalier {

/// A value that every example has, put where each of a batch is read.
class ConstantOperation final : public Operation {
 public:
  ConstantOperation(AlignedArray<float> value, const Length& length)
      : value_(std::move(value)), length_(length) {}

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return 0; }  // its caller's thread does it all
  bool is_strided() const override { return true; }
  std::int64_t NativeBytes() const override { return value_.bytes(); }

 private:
  AlignedArray<float> value_;
  Length length_;
};

}  // namespace espalier
