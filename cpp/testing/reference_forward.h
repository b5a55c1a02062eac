// SPDX-License-Identifier: Apache-2.0
#pragma once

// A network layer by layer, nothing fused: what plans are held against.

#include <cstdint>
#include <utility>
#include <vector>

#include "layers/layout.h"
#include "network/network_state.h"

namespace espalier::testing {

/// All values of a network for a batch of raw inputs, by their index, in evaluation mode, as they
/// lie outside plans. An int32 has the bits of a float.
inline std::vector<std::vector<float>> ReferenceForward(
    const NetworkState& network, std::int64_t batch, const std::vector<std::vector<float>>& raw) {
  std::vector<std::vector<float>> values = raw;
  for (std::size_t input = 0; input < network.inputs.size(); ++input) {
    if (!network.inputs[input].normalization) continue;
    const auto& mean = network.inputs[input].normalization->mean;
    const auto& std = network.inputs[input].normalization->std;
    const Shape& shape = network.values[input].shape;
    const std::int64_t spatial = shape.element_count() / shape[0];
    for (std::size_t i = 0; i < values[input].size(); ++i) {
      const std::size_t c =
          static_cast<std::size_t>(static_cast<std::int64_t>(i) / spatial % shape[0]);
      values[input][i] = static_cast<float>((values[input][i] - mean[mean.size() == 1 ? 0 : c]) /
                                            std[std.size() == 1 ? 0 : c]);
    }
  }
  for (const GraphLayer& layer : network.layers) {
    const bool is_inside = network.value(layer.output).layout == Layout::kChannelsLast;
    std::vector<const float*> layer_inputs;
    for (const int input : layer.inputs) {
      layer_inputs.push_back(values[static_cast<std::size_t>(input)].data());
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
    for (std::size_t i = 0; i < layer_inputs.size() && is_inside; ++i) {
      const Shape& shape = layer.input_shapes[i];
      inside.emplace_back(static_cast<std::size_t>(batch * shape.element_count()));
      ToChannelsLast(shape, batch, layer_inputs[i], inside.back().data(), workspace);
      layer_inputs[i] = inside.back().data();
    }
    std::vector<float> lying(output.size());
    ForwardArguments arguments;
    arguments.batch = batch;
    arguments.layout = network.value(layer.output).layout;
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
    if (is_inside) {
      ToChannelsFirst(layer.output_shape, batch, lying.data(), output.data(), workspace);
    } else {
      output = lying;
    }
    values.push_back(std::move(output));
  }
  return values;
}

/// The same for a network with one input.
inline std::vector<std::vector<float>> ReferenceForward(const NetworkState& network,
                                                        std::int64_t batch,
                                                        const std::vector<float>& input) {
  return ReferenceForward(network, batch, std::vector<std::vector<float>>{input});
}

}  // namespace espalier::testing
