// SPDX-License-Identifier: Apache-2.0
#include "inference/layer_norm_operation.h"

#include "layers/layer_norm.h"
#include "layers/layout.h"

namespace espalier {

LayerNormOperation::LayerNormOperation(const NetworkState& network, int index)
    : epsilon_(TraitsOf(network.layers[static_cast<std::size_t>(index)]).norm_epsilon),
      shape_(network.layers[static_cast<std::size_t>(index)].output_shape),
      weight_(shape_.element_count()),
      bias_(shape_.element_count()) {
  const std::vector<int>& parameters = network.layers[static_cast<std::size_t>(index)].parameters;
  Workspace workspace(1, 0);
  ToChannelsLast(shape_, 1, network.parameter_values(parameters[0]), weight_.data(), workspace);
  ToChannelsLast(shape_, 1, network.parameter_values(parameters[1]), bias_.data(), workspace);
}

void LayerNormOperation::Run(const OperationCall& call) const {
  NormalizeExamples(shape_, epsilon_, call.batch, call.inputs[0], weight_.data(), bias_.data(),
                    call.output, {}, *call.workspace);
}

}  // namespace espalier
