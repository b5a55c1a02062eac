// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "network/network_state.h"

namespace espalier {

/// Sets GraphValue::layout of all values: what the rule of the layer that makes it says; for a
/// layer of any layout, that of its first input that is no vector; for an input, what the first
/// layer wants that reads it, or reads what layers of any layout make of it. An input normalized by
/// channel lies channels last.
void ChooseLayouts(NetworkState& network);

}  // namespace espalier
