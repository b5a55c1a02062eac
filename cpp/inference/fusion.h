// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which layers of a part of a network become one operation.

#include <optional>
#include <vector>

#include "inference/operation.h"
#include "network/network_state.h"

namespace espalier {

/// Layers that run as one operation, whose result is that of `last`.
struct FusedGroup {
  std::vector<int> layers;      // in order; the first decides the kind of operation
  int norm = -1;                // batch norm folded into the first
  std::optional<int> residual;  // value that is added before the activation
  FusedActivation activation;
  bool is_pooled = false;  // the last is max pooling 2 x 2, done by the convolution
  int last() const { return layers.back(); }
};

struct FusedGraph {
  /// By value: the one that is passed on as it lies to make it (dropout; flatten, where only
  /// dense layers read the result), or itself.
  std::vector<int> source;
  std::vector<FusedGroup> groups;  // in an order that runs
  /// Heads' output layers with one input, which nothing reads: one product. Each inner list
  /// has indices of `groups`.
  std::vector<std::vector<int>> head_products;
  /// Convolutions that read one another's results, too large for a cache: run together in strips
  /// of rows. Inner lists as above, in order.
  std::vector<std::vector<int>> strips;
};

/// Fuses the layers whose values are marked in `is_needed`. `is_requested`: values that must exist
/// as they are. Values that are given (`is_given`) are not computed.
FusedGraph FuseLayers(const NetworkState& network, const std::vector<char>& is_needed,
                      const std::vector<char>& is_given, const std::vector<char>& is_requested);

}  // namespace espalier
