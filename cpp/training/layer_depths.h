// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "network/network_state.h"

namespace espalier {

/// By layer: layers with parameters between it and the output, on the longest way.
std::vector<int> DepthFromOutput(const NetworkState& network);

}  // namespace espalier
