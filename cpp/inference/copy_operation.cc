// SPDX-License-Identifier: Apache-2.0
#include "inference/copy_operation.h"

#include <algorithm>

namespace espalier {

void CopyOperation::Run(const OperationCall& call) const {
  const std::int64_t stride = length_.Cut(stride_, call.lengths);
  const std::int64_t floats = length_.Cut(floats_, call.lengths);
  for (std::int64_t i = 0; i < call.batch; ++i) {
    std::copy_n(call.inputs[0] + i * stride + offset_, floats,
                call.output + i * call.output_stride);
  }
}

}  // namespace espalier
