// SPDX-License-Identifier: Apache-2.0
#include "inference/folded_weights.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/matmul/symmetric_bytes.h"
#include "layers/layout.h"

namespace espalier {
namespace {

const GraphLayer& LayerAt(const NetworkState& network, int index) {
  return network.layers[static_cast<std::size_t>(index)];
}

const Shape& WeightShape(const NetworkState& network, const GraphLayer& layer) {
  return network.parameters[static_cast<std::size_t>(layer.parameters[0])].shape;
}

// s of each channel; empty without a norm.
std::vector<double> NormScales(const NetworkState& network, int norm) {
  if (norm < 0) return {};
  const GraphLayer& layer = LayerAt(network, norm);
  const double epsilon = TraitsOf(layer).norm_epsilon;
  const float* weight = network.parameter_values(layer.parameters[0]);
  const float* variance = network.parameter_values(layer.parameters[3]);
  std::vector<double> scales(static_cast<std::size_t>(WeightShape(network, layer).element_count()));
  for (std::size_t c = 0; c < scales.size(); ++c) {
    scales[c] = weight[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon);
  }
  return scales;
}

// b', given s; the layer's own without a norm.
AlignedArray<float> FoldBias(const NetworkState& network, const GraphLayer& layer, int norm,
                             const std::vector<double>& scales) {
  const float* bias =
      layer.parameters.size() > 1 ? network.parameter_values(layer.parameters[1]) : nullptr;
  const std::int64_t channels = WeightShape(network, layer)[0];
  AlignedArray<float> folded(norm < 0 && bias == nullptr ? 0 : channels);
  if (norm < 0) {
    std::copy_n(bias, folded.size(), folded.data());
    return folded;
  }
  const GraphLayer& norm_layer = LayerAt(network, norm);
  const float* norm_bias = network.parameter_values(norm_layer.parameters[1]);
  const float* mean = network.parameter_values(norm_layer.parameters[2]);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double centered = (bias == nullptr ? 0.0 : bias[c]) - static_cast<double>(mean[c]);
    folded[c] = static_cast<float>(centered * scales[static_cast<std::size_t>(c)] + norm_bias[c]);
  }
  return folded;
}

// b', and the weights as the network has them.
FoldedWeights FoldBiasAlone(const NetworkState& network, int index, int norm,
                            const std::vector<double>& scales) {
  const GraphLayer& layer = LayerAt(network, index);
  FoldedWeights folded;
  folded.weights = AlignedArray<float>(WeightShape(network, layer).element_count());
  std::copy_n(network.parameter_values(layer.parameters[0]), folded.weights.size(),
              folded.weights.data());
  folded.bias = FoldBias(network, layer, norm, scales);
  return folded;
}

}  // namespace

FoldedWeights FoldWeights(const NetworkState& network, int index, int norm) {
  const std::vector<double> scales = NormScales(network, norm);
  FoldedWeights folded = FoldBiasAlone(network, index, norm, scales);
  const std::int64_t per_channel =
      folded.weights.size() / WeightShape(network, LayerAt(network, index))[0];
  for (std::size_t c = 0; c < scales.size(); ++c) {
    float* const row = folded.weights.data() + static_cast<std::int64_t>(c) * per_channel;
    for (std::int64_t i = 0; i < per_channel; ++i) {
      row[i] = static_cast<float>(row[i] * scales[c]);
    }
  }
  return folded;
}

FoldedWeights FoldBesideWeights(const NetworkState& network, int index, int norm) {
  const std::vector<double> scales = NormScales(network, norm);
  FoldedWeights folded = FoldBiasAlone(network, index, norm, scales);
  folded.scales = AlignedArray<float>(static_cast<std::int64_t>(scales.size()));
  std::transform(scales.begin(), scales.end(), folded.scales.data(),
                 [](double scale) { return static_cast<float>(scale); });
  return folded;
}

void ScaleColumns(std::span<const float> scales, float* column_scales) {
  constexpr float kLeastScale = kLeastMagnitude / static_cast<float>(kMostByte);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    column_scales[i] *= scales[i];
    if (std::abs(column_scales[i]) < kLeastScale) column_scales[i] = 0.0f;
  }
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
