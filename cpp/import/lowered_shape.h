// SPDX-License-Identifier: Apache-2.0
#pragma once

// How shapes of the graph and of the network belong together (import/node_lowering.h).

#include "import/network_lowering.h"
#include "import/node_lowering.h"

namespace espalier {

/// The place of an axis of the graph, counted from the first, in LoweredShape. Refuses the batch.
int LoweredAxis(const ForeignDimensions& dimensions, int axis);

/// The same elements, in the shape of the node's output.
LoweredValue AsOutput(NodeLowering& node, const LoweredValue& value);

}  // namespace espalier
