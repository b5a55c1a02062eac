// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/near_names.h"
#include "core/text.h"
#include "network/graph.h"
#include "network/names.h"
#include "network/network_state.h"

namespace espalier {

std::vector<int> MatchLayers(const NetworkState& network, const LayerPattern& pattern) {
  std::vector<char> marked(network.layers.size(), 0);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    marked[i] = static_cast<char>(MatchesGlob(pattern.pattern, network.layers[i].name));
  }
  if (std::find(marked.begin(), marked.end(), 1) == marked.end()) {
    Fail(ErrorCode::kInvalidArgument, "expected a layer's name or a pattern with '*' or '?', got '",
         pattern.pattern, "', which matches no layer",
         NamesInstead(pattern.pattern, LayerNames(network)));
  }
  if (pattern.through) {
    // Backwards: a layer's consumers are all decided before the layer.
    for (std::size_t i = network.layers.size(); i-- > 0;) {
      if (marked[i] != 0) {
        for (const int input : network.layers[i].inputs) {
          const int layer = network.value(input).layer;
          if (layer != kNoLayer) marked[static_cast<std::size_t>(layer)] = 1;
        }
      }
    }
  }
  std::vector<int> layers;
  for (std::size_t i = 0; i < marked.size(); ++i) {
    if (marked[i] != 0) {
      layers.push_back(static_cast<int>(i));
    }
  }
  return layers;
}

bool IsBatchNorm(const GraphLayer& layer) { return TraitsOf(layer).normalizes_channels; }

void CheckHasBatchNorm(const NetworkState& network, const LayerPattern& pattern,
                       std::span<const int> layers) {
  if (std::ranges::none_of(layers, [&](int layer) {
        return IsBatchNorm(network.layers[static_cast<std::size_t>(layer)]);
      })) {
    Fail(ErrorCode::kInvalidArgument,
         "adapt_statistics: expected a pattern of batch_norm layers, got '", pattern.pattern,
         "', which matches layers of other kinds only");
  }
}

}  // namespace espalier
