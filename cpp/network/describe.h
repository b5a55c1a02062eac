// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "network/network_state.h"

namespace espalier {

/// The row of one layer.
LayerDescription LayerRow(const NetworkState& network, const GraphLayer& layer);

/// One row a layer, in order.
std::vector<LayerDescription> LayerRows(const NetworkState& network);

}  // namespace espalier
