// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a network becomes another: layers dropped, heads added, states of layers set.

#include <cstdint>
#include <memory>
#include <vector>

#include "network/network_state.h"

namespace espalier {

/// The network after the transfer. Kept parameters and buffers are copied bit for bit; new
/// heads start from the seed. Throws Error: INVALID_ARGUMENT for unknown names and for
/// learning rates that contradict each other; whatever BuildGraph throws for new heads.
std::shared_ptr<NetworkState> TransferredState(const NetworkState& network,
                                               const TransferSpec& spec, std::uint64_t seed);

/// All layers of the old network in order, kept or dropped, then the new ones.
std::vector<LayerDescription> TransferRows(const NetworkState& network, const TransferSpec& spec);

}  // namespace espalier
