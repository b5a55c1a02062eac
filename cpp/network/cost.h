// SPDX-License-Identifier: Apache-2.0
#pragma once

// What running a network takes, estimated from its shapes alone.

#include <cstdint>

#include "espalier/limits.h"
#include "network/network_state.h"

namespace espalier {

enum class CostUse { kPrediction, kTraining };

/// All of it saturates. Layers are places in NetworkState::layers, -1: none.
struct NetworkCost {
  std::int64_t multiply_adds = 0;  // of an example forwards, as Layer::Work counts them
  std::int64_t native_bytes = 0;   // as NetworkLimits::native_bytes has it
  int longest_layer = -1;          // takes most multiply-adds,
  std::int64_t longest_layer_multiply_adds = 0;
  int largest_layer = -1;  // most bytes
  std::int64_t largest_layer_bytes = 0;
};

/// Takes time in proportion to layers and inputs.
NetworkCost EstimateCost(const NetworkState& network, CostUse use);

/// Throws Error: INVALID_ARGUMENT with the limit, what the network takes, and the layer that
/// takes most of it.
void CheckLimits(const NetworkState& network, const NetworkLimits& limits, CostUse use);

/// Throws Error: INVALID_ARGUMENT unless each limit is at least 1.
void CheckLimitValues(const NetworkLimits& limits);

/// Throws Error: INVALID_ARGUMENT if `layers` exceed the limit.
void CheckLayerCount(std::int64_t layers, const NetworkLimits& limits);

}  // namespace espalier
