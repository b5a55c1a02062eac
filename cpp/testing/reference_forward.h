// SPDX-License-Identifier: Apache-2.0
#pragma once

// A network layer by layer, nothing fused: what plans are held against.

#include <cstdint>
#include <utility>
#include <vector>

#include "network/network_state.h"

namespace espalier::testing {

/// The outputs of all layers for a batch of raw inputs, in evaluation mode.
inline std::vector<std::vector<float>> ReferenceForward(const NetworkState& network,
                                                        std::int64_t batch,
                                                        const std::vector<float>& inputs) {
  std::vector<float> normalized = inputs;
  if (network.normalization) {
    const auto& mean = network.normalization->mean;
    const auto& std = network.normalization->std;
    const std::int64_t channels = network.input[0];
    const std::int64_t spatial = network.input.element_count() / channels;
    for (std::size_t i = 0; i < normalized.size(); ++i) {
      const std::size_t c =
          static_cast<std::size_t>(static_cast<std::int64_t>(i) / spatial % channels);
      normalized[i] = static_cast<float>((normalized[i] - mean[mean.size() == 1 ? 0 : c]) /
                                         std[std.size() == 1 ? 0 : c]);
    }
  }
  std::vector<std::vector<float>> outputs;
  for (const GraphLayer& layer : network.layers) {
    std::vector<const float*> layer_inputs;
    for (const int input : layer.inputs) {
      layer_inputs.push_back(input == kNetworkInput
                                 ? normalized.data()
                                 : outputs[static_cast<std::size_t>(input)].data());
    }
    std::vector<const float*> parameters;
    for (const int parameter : layer.parameters) {
      parameters.push_back(network.parameter_values(parameter));
    }
    std::vector<float> output(static_cast<std::size_t>(batch * layer.output_shape.element_count()));
    Workspace workspace(1, layer.layer->ScratchFloats(batch, layer.input_shapes));
    ForwardArguments arguments;
    arguments.batch = batch;
    arguments.mode = Mode::kEvaluation;
    arguments.input_shapes = layer.input_shapes;
    arguments.output_shape = layer.output_shape;
    arguments.inputs = layer_inputs;
    arguments.parameters = parameters;
    arguments.output = output.data();
    arguments.workspace = &workspace;
    layer.layer->Forward(arguments);
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace espalier::testing
