// SPDX-License-Identifier: Apache-2.0
#include "inference/layer_operation.h"

#include <algorithm>
#include <utility>

namespace espalier {

LayerOperation::LayerOperation(const NetworkState& network, int index)
    : layer_(network.layers[static_cast<std::size_t>(index)].layer),
      input_shapes_(network.layers[static_cast<std::size_t>(index)].input_shapes),
      output_shape_(network.layers[static_cast<std::size_t>(index)].output_shape),
      work_(layer_->Work(input_shapes_)) {
  for (const int parameter : network.layers[static_cast<std::size_t>(index)].parameters) {
    AlignedArray<float> copy(
        network.parameters[static_cast<std::size_t>(parameter)].shape.element_count());
    std::copy_n(network.parameter_values(parameter), copy.size(), copy.data());
    parameters_.push_back(copy.data());
    values_.push_back(std::move(copy));
  }
}

void LayerOperation::Run(const OperationCall& call) const {
  ForwardArguments arguments;
  arguments.batch = call.batch;
  arguments.mode = Mode::kEvaluation;
  arguments.input_shapes = input_shapes_;
  arguments.output_shape = output_shape_;
  arguments.inputs = call.inputs;
  arguments.parameters = parameters_;
  arguments.output = call.output;
  arguments.workspace = call.workspace;
  layer_->Forward(arguments);
}

std::int64_t LayerOperation::NativeBytes() const {
  std::int64_t bytes = 0;
  for (const AlignedArray<float>& values : values_) {
    bytes += values.bytes();
  }
  return bytes;
}

}  // namespace espalier
