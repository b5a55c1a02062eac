// SPDX-License-Identifier: Apache-2.0
#include "inference/folded_weights.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "layers/layout.h"

namespace espalier {

FoldedWeights FoldWeights(const NetworkState& network, int index, int norm) {
  const GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
  const Shape& shape = network.parameters[static_cast<std::size_t>(layer.parameters[0])].shape;
  const std::int64_t channels = shape[0];
  const std::int64_t per_channel = shape.element_count() / channels;
  const float* weights = network.parameter_values(layer.parameters[0]);
  const float* bias =
      layer.parameters.size() > 1 ? network.parameter_values(layer.parameters[1]) : nullptr;

  FoldedWeights folded;
  folded.weights = AlignedArray<float>(shape.element_count());
  if (norm < 0) {
    std::copy_n(weights, shape.element_count(), folded.weights.data());
    if (bias != nullptr) {
      folded.bias = AlignedArray<float>(channels);
      std::copy_n(bias, channels, folded.bias.data());
    }
    return folded;
  }

  const GraphLayer& norm_layer = network.layers[static_cast<std::size_t>(norm)];
  const double epsilon = TraitsOf(norm_layer).norm_epsilon;
  const float* norm_weight = network.parameter_values(norm_layer.parameters[0]);
  const float* norm_bias = network.parameter_values(norm_layer.parameters[1]);
  const float* mean = network.parameter_values(norm_layer.parameters[2]);
  const float* variance = network.parameter_values(norm_layer.parameters[3]);
  folded.bias = AlignedArray<float>(channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double scale = norm_weight[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon);
    for (std::int64_t i = c * per_channel; i < (c + 1) * per_channel; ++i) {
      folded.weights[i] = static_cast<float>(weights[i] * scale);
    }
    const double centered = (bias == nullptr ? 0.0 : bias[c]) - static_cast<double>(mean[c]);
    folded.bias[c] = static_cast<float>(centered * scale + norm_bias[c]);
  }
  return folded;
}

void MoveColumnsInside(const Shape& input, FoldedWeights& dense) {
  if (LiesAsOutside(input)) return;
  AlignedArray<float> moved(dense.weights.size());
  Workspace workspace(1, 0);
  ToChannelsLast(input, dense.weights.size() / input.element_count(), dense.weights.data(),
                 moved.data(), workspace);
  dense.weights = std::move(moved);
}

}  // namespace espalier
