// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where each parameter lies among a network's values, and how it starts.

#include <cstdint>
#include <span>

#include "network/network_state.h"

namespace espalier {

/// Most parameters and buffer values of a network: 2^32 floats, 16 GiB.
inline constexpr std::int64_t kMaxParameterFloats = std::int64_t{1} << 32;

/// Lists the parameters of all layers and gives them places: aligned to 16 floats, those of
/// a head group side by side. Throws Error: INVALID_ARGUMENT past kMaxParameterFloats.
void LayOutParameters(NetworkState& network);

/// Floats from the first place to the end of the last.
std::int64_t ParameterFloats(const NetworkState& network);

/// Fills the parameters of `layers` from the seed. Each has a random stream of its own, by
/// its path, so that no value depends on other layers or on their order.
void InitializeParameters(NetworkState& network, std::uint64_t seed, std::span<const int> layers);

}  // namespace espalier
