// SPDX-License-Identifier: Apache-2.0
#include "inference/constant_operation.h"

#include <algorithm>

namespace espalier {

void ConstantOperation::Run(const OperationCall& call) const {
  const std::int64_t floats = length_.Cut(value_.size(), call.lengths);
  for (std::int64_t i = 0; i < call.batch; ++i) {
    std::copy_n(value_.data(), floats, call.output + i * call.output_stride);
  }
}

}  // namespace espalier
