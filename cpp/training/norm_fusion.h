// SPDX-License-Identifier: Apache-2.0
#pragma once

// What follows a batch norm in one operation with it, forward and backward: where a training step
// is bound by memory, a pass over values less is what counts.
//
// The norm's forward pass adds and activates as it scales. Its backward pass begins with the
// gradient by the last follower's result and goes through the activation in the passes that it
// makes anyway. The gradient by a residual is the one that these leave behind: nothing is copied.

#include <vector>

#include "network/network_state.h"
#include "training/training_plan.h"

namespace espalier {

/// The nodes that read what a node makes, groups of heads included.
struct NodeReaders {
  int count = 0;
  int last = -1;  // a node, or -1: a group of heads
};

/// The nodes whose work the batch norm `norm` can do: a sum of its result and a value that is there
/// before the norm runs, then an activation whose gradient follows from its result. Nothing else
/// may read what lies between, and a gradient must pass through the norm if one passes through any
/// of them.
NormFollowers FindNormFollowers(const NetworkState& network, const std::vector<PlanNode>& nodes,
                                const std::vector<NodeReaders>& readers, int norm);

}  // namespace espalier
