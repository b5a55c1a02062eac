// SPDX-License-Identifier: Apache-2.0
#include "inference/copy_operation.h"

#include <algorithm>

namespace espalier {

void CopyOperation::Run(const OperationCall& call) const {
  for (std::int64_t i = 0; i < call.batch; ++i) {
    std::copy_n(call.inputs[0] + i * stride_ + offset_, floats_,
                call.output + i * call.output_stride);
  }
}

}  // namespace espalier
