// SPDX-License-Identifier: Apache-2.0

// Norms.

#include <array>

#include "export/layer_export.h"

namespace espalier {
namespace {

float EpsilonOf(const LayerExport& layer) { return static_cast<float>(layer.Real("epsilon")); }

void WriteBatchNorm(LayerExport& layer) {
  std::vector<std::string> inputs = {layer.Input()};
  for (std::size_t i = 0; i < 4; ++i) inputs.push_back(layer.Parameter(i));
  layer.Result("BatchNormalization", inputs, {{"epsilon", EpsilonOf(layer)}});
}

void WriteLayerNorm(LayerExport& layer) {
  const bool is_per_position = layer.Has("per_position");
  layer.Result("LayerNormalization", {layer.Input(), layer.Parameter(0), layer.Parameter(1)},
               {{"axis", std::int64_t{is_per_position ? -1 : 1}}, {"epsilon", EpsilonOf(layer)}});
}

// Each group as a channel, of one dimension; then each channel's own scale and shift.
void WriteGroupedNorm(LayerExport& layer) {
  const Shape& shape = layer.OutputShape();
  const bool is_group_norm = layer.Has("groups");
  // The operator of sets 18 to 20 has a scale for each group.
  if (is_group_norm && layer.HasParameter(0) && layer.OperatorSet() >= 21) {
    layer.Result("GroupNormalization", {layer.Input(), layer.Parameter(0), layer.Parameter(1)},
                 {{"epsilon", EpsilonOf(layer)}, {"num_groups", layer.Whole("groups")}});
    return;
  }
  const std::int64_t groups = is_group_norm ? layer.Whole("groups") : shape[0];
  const std::vector<float> ones(static_cast<std::size_t>(groups), 1.0f);
  const std::vector<float> zeros(static_cast<std::size_t>(groups), 0.0f);
  const std::string split = layer.Node(
      "split", "Reshape",
      {layer.Input(), layer.Integers("groups", std::vector<std::int64_t>{0, groups, -1})});
  const std::string normalized = layer.Node(
      "normalized", "InstanceNormalization",
      {split, layer.Floats("ones", {&groups, 1}, ones), layer.Floats("zeros", {&groups, 1}, zeros)},
      {{"epsilon", EpsilonOf(layer)}});
  if (!layer.HasParameter(0)) {
    layer.ResultReshaped(normalized);
    return;
  }
  const std::string joined =
      layer.Node("joined", "Reshape", {normalized, layer.Integers("shape", BatchOf(shape))});
  std::vector<std::int64_t> channels(static_cast<std::size_t>(shape.rank()), 1);
  channels[0] = shape[0];
  const std::string scaled = layer.Node("scaled", "Mul", {joined, layer.Parameter(0, channels)});
  layer.Result("Add", {scaled, layer.Parameter(1, channels)});
}

void WriteRmsNorm(LayerExport& layer) {
  const std::string x = layer.Input();
  const std::string squares = layer.Node("squares", "Mul", {x, x});
  std::vector<std::string> inputs = {squares};
  OnnxAttributes attributes;
  layer.AddAxes("ReduceMean", {-1}, inputs, attributes);
  const std::string mean = layer.Node("mean", "ReduceMean", inputs, attributes);
  const std::string sum =
      layer.Node("sum", "Add", {mean, layer.Scalar("epsilon", layer.Real("epsilon"))});
  const std::string normalized =
      layer.Node("normalized", "Div", {x, layer.Node("root", "Sqrt", {sum})});
  layer.Result("Mul", {normalized, layer.Parameter(0)});
}

}  // namespace

std::span<const KindExport> NormKinds() {
  static constexpr std::array kKinds = {
      KindExport{"batch_norm", WriteBatchNorm}, KindExport{"group_norm", WriteGroupedNorm},
      KindExport{"instance_norm", WriteGroupedNorm}, KindExport{"layer_norm", WriteLayerNorm},
      KindExport{"rms_norm", WriteRmsNorm}};
  return kKinds;
}

}  // namespace espalier
