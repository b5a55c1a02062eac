// SPDX-License-Identifier: Apache-2.0
#include "inference/elementwise_operation.h"

#include "kernels/elementwise/elementwise.h"
#include "layers/partition.h"

namespace espalier {

void ElementwiseOperation::Run(const OperationCall& call) const {
  const std::int64_t floats = call.batch * length_.Cut(floats_, call.lengths);
  ForElements(*call.workspace, floats, [&](std::int64_t first, std::int64_t last) {
    float* y = call.output + first;
    const std::int64_t count = last - first;
    const float* sum = call.inputs[0] + first;
    for (std::size_t i = 1; i < call.inputs.size(); ++i) {
      AddArrays(sum, call.inputs[i] + first, count, y);
      sum = y;
    }
    ActivationForward(activation_.activation, activation_.slope, sum, count, y);
  });
}

}  // namespace espalier
