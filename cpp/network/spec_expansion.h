// SPDX-License-Identifier: Apache-2.0
#pragma once

// The first half of building a network: from a spec as people write it (unnamed layers,
// "the layer before", heads) to one list of named layers with the places of their inputs.

#include <vector>

#include "network/network_state.h"

namespace espalier {

/// Most layers of a network, those of heads included.
inline constexpr std::size_t kMaxLayers = 100'000;
/// Most inputs of one layer.
inline constexpr std::size_t kMaxLayerInputs = 1024;

struct ExpandedLayer {
  LayerSpec spec;           // with its full name; "initializer" chosen where one is due
  std::vector<int> inputs;  // values: the network's inputs, then one a layer
  int head = -1;
};

struct ExpandedSpec {
  std::size_t input_count = 0;  // of the network
  std::vector<ExpandedLayer> layers;
  std::vector<GraphHead> heads;
};

/// Names every layer, adds the heads' output layers, finds inputs by name and chooses
/// default initializers. Throws Error: INVALID_ARGUMENT for an illegal or repeated name, an
/// unknown input (with near names), or one that stands later in the spec.
ExpandedSpec ExpandSpec(const NetworkSpec& spec);

/// Chooses the "initializer" of dense and convolution layers that have none, by the
/// activation that follows: glorot_uniform before sigmoid and tanh, else he_normal. For the output
/// layers of heads see HeadSpec::initializer.
void ChooseInitializers(ExpandedSpec& spec);

}  // namespace espalier
