// SPDX-License-Identifier: Apache-2.0
#include "training/layer_depths.h"

#include <algorithm>

namespace espalier {
namespace {

std::size_t Index(int i) { return static_cast<std::size_t>(i); }

}  // namespace

std::vector<int> DepthFromOutput(const NetworkState& network) {
  std::vector<int> depths(network.layers.size(), 0);
  for (std::size_t i = network.layers.size(); i-- > 0;) {
    const GraphLayer& layer = network.layers[i];
    const int through = depths[i] + (layer.parameters.empty() ? 0 : 1);
    for (const int input : layer.inputs) {
      const int maker = network.value(input).layer;
      if (maker != kNoLayer) depths[Index(maker)] = std::max(depths[Index(maker)], through);
    }
  }
  return depths;
}

}  // namespace espalier
