// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "inference/operation.h"

namespace espalier {

/// Floats [offset, offset + floats) of each example of an input whose examples have `stride`. Where
/// the length varies, the input as a whole.
class CopyOperation final : public Operation {
 public:
  CopyOperation(std::int64_t stride, std::int64_t offset, std::int64_t floats, const Length& length)
      : stride_(stride), offset_(offset), floats_(floats), length_(length) {}

  void Run(const OperationCall& call) const override;
  std::int64_t work() const override { return 0; }  // its caller's thread does it all
  bool is_strided() const override { return true; }
  std::int64_t NativeBytes() const override { return 0; }

 private:
  std::int64_t stride_;
  std::int64_t offset_;
  std::int64_t floats_;
  Length length_;
};

}  // namespace espalier
