// SPDX-License-Identifier: Apache-2.0
#pragma once

// A network layer by layer, nothing fused: what plans are held against.

#include <cstdint>
#include <utility>
#include <vector>

#include "layers/layout.h"
#include "network/network_state.h"

namespace espalier::testing {

/// The outputs of all layers for a batch of raw inputs, in evaluation mode, as they lie
/// outside plans.
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
    const LayerMemory memory =
        layer.layer->Memory(batch, layer.input_shapes, {.mode = Mode::kEvaluation});
    std::vector<float> saved(static_cast<std::size_t>(memory.saved));
    std::vector<float> temporary(static_cast<std::size_t>(memory.forward));
    std::vector<std::vector<float>> inside;
    for (std::size_t i = 0; i < layer_inputs.size(); ++i) {
      const Shape& shape = layer.input_shapes[i];
      inside.emplace_back(static_cast<std::size_t>(batch * shape.element_count()));
      MoveInside(shape, batch, layer_inputs[i], inside.back().data(), workspace);
      layer_inputs[i] = inside.back().data();
    }
    std::vector<float> lying(output.size());
    ForwardArguments arguments;
    arguments.batch = batch;
    arguments.mode = Mode::kEvaluation;
    arguments.input_shapes = layer.input_shapes;
    arguments.output_shape = layer.output_shape;
    arguments.inputs = layer_inputs;
    arguments.parameters = parameters;
    arguments.output = lying.data();
    arguments.saved = saved.data();
    arguments.temporary = temporary.data();
    arguments.workspace = &workspace;
    layer.layer->Forward(arguments);
    MoveOutside(layer.output_shape, batch, lying.data(), output.data(), workspace);
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace espalier::testing
