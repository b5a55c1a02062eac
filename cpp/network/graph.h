// SPDX-License-Identifier: Apache-2.0
#pragma once

// From specs to the graph of a network and back.

#include <memory>
#include <span>
#include <string>

#include "network/network_state.h"

namespace espalier {

/// Checks a spec and makes its graph: layers, shapes, parameters and their places, but no
/// values yet, so that a spec from a file can be held against the file's size first.
std::shared_ptr<NetworkState> BuildGraph(const NetworkSpec& spec);

/// Allocates a graph's values, all zero.
void AllocateValues(NetworkState& network);

/// The spec that BuildGraph makes this graph from.
NetworkSpec SpecOf(const NetworkState& network);

/// A deep copy, parameters included.
std::shared_ptr<NetworkState> CopyState(const NetworkState& network);

/// Names of all layers, in order.
std::vector<std::string> LayerNames(const NetworkState& network);

/// For each layer: 1 if it is in `layers` or computed from one of them.
std::vector<char> Descendants(const NetworkState& network, std::span<const int> layers);

/// Throws Error: INVALID_ARGUMENT unless `scale` is finite and at least 0.
void CheckLearningRateScale(const std::string& layer, double scale);

}  // namespace espalier
