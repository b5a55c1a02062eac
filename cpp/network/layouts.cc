// SPDX-License-Identifier: Apache-2.0
#include "network/layouts.h"

#include <algorithm>
#include <vector>

namespace espalier {
namespace {

bool IsNormalizedByChannel(const GraphInput& input) {
  return input.normalization &&
         (input.normalization->mean.size() > 1 || input.normalization->std.size() > 1);
}

// Whose layout a layer of any layout takes: that of the first input that lies differently in the
// two, else of the first. Constants lie as what they are combined with.
std::size_t LeadingInput(const NetworkState& network, const GraphLayer& layer) {
  std::size_t leading = layer.inputs.size();
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
    if (LiesAsOutside(layer.input_shapes[i])) continue;
    const int maker = network.value(layer.inputs[i]).layer;
    if (maker == kNoLayer || !network.layers[static_cast<std::size_t>(maker)].is_constant) return i;
    leading = std::min(leading, i);
  }
  return leading == layer.inputs.size() ? 0 : leading;
}

// What the readers of input `index` want.
Layout LayoutOfInput(const NetworkState& network, std::size_t index) {
  if (IsNormalizedByChannel(network.inputs[index])) return Layout::kChannelsLast;
  std::vector<char> follows(network.values.size(), 0);  // by value: the input, in its layout
  follows[index] = 1;
  for (const GraphLayer& layer : network.layers) {
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
      if (follows[static_cast<std::size_t>(layer.inputs[i])] == 0) continue;
      switch (layer.layer->layout_rule()) {
        case LayoutRule::kRowMajor:
          return Layout::kRowMajor;
        case LayoutRule::kChannelsLast:
          return Layout::kChannelsLast;
        case LayoutRule::kAny:
          if (i == LeadingInput(network, layer))
            follows[static_cast<std::size_t>(layer.output)] = 1;
      }
    }
  }
  return Layout::kChannelsLast;
}

}  // namespace

void ChooseLayouts(NetworkState& network) {
  for (std::size_t i = 0; i < network.inputs.size(); ++i) {
    network.values[i].layout = LayoutOfInput(network, i);
  }
  for (const GraphLayer& layer : network.layers) {
    Layout& layout = network.values[static_cast<std::size_t>(layer.output)].layout;
    switch (layer.layer->layout_rule()) {
      case LayoutRule::kRowMajor:
        layout = Layout::kRowMajor;
        break;
      case LayoutRule::kChannelsLast:
        layout = Layout::kChannelsLast;
        break;
      case LayoutRule::kAny:
        layout = network.value(layer.inputs[LeadingInput(network, layer)]).layout;
    }
  }
}

}  // namespace espalier
