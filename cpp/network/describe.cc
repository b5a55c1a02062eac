// SPDX-License-Identifier: Apache-2.0
#include "network/describe.h"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "core/text.h"
#include "network/int8_weights.h"

namespace espalier {

namespace {

std::string PaddingOf(const Layer& layer) {
  const Attributes attributes = layer.attributes();
  const auto padding = attributes.find("padding");
  if (padding == attributes.end()) {
    return "";
  }
  if (const auto* name = std::get_if<std::string>(&padding->second)) {
    return *name;
  }
  const auto& sides = std::get<std::vector<std::int64_t>>(padding->second);
  const bool is_even = std::ranges::all_of(sides, [&](auto side) { return side == sides[0]; });
  return is_even ? std::to_string(sides[0]) : Join(sides, ", ");
}

}  // namespace

LayerDescription LayerRow(const NetworkState& network, const GraphLayer& layer) {
  LayerDescription row;
  row.name = layer.name;
  row.kind = std::string(layer.layer->kind());
  row.output = layer.output_shape;
  row.padding = PaddingOf(*layer.layer);
  for (const int index : layer.parameters) {
    const GraphParameter& parameter = network.parameters[static_cast<std::size_t>(index)];
    if (parameter.role != ParameterRole::kBuffer) {
      row.parameter_count += parameter.shape.element_count();
    }
  }
  row.is_frozen = layer.frozen;
  row.adapts_statistics = layer.adapt_statistics;
  row.learning_rate_scale = layer.learning_rate_scale;
  row.int8_keeps_float = Int8KeepsFloat(network, layer);
  if (layer.head >= 0) {
    row.head = network.heads[static_cast<std::size_t>(layer.head)].name;
  }
  return row;
}

std::vector<LayerDescription> LayerRows(const NetworkState& network) {
  std::vector<LayerDescription> rows;
  rows.reserve(network.layers.size());
  for (const GraphLayer& layer : network.layers) {
    rows.push_back(LayerRow(network, layer));
  }
  return rows;
}

}  // namespace espalier
