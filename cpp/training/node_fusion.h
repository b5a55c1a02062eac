// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which nodes of a training plan another node's passes do along.

#include "network/network_state.h"
#include "training/training_plan.h"

namespace espalier {

/// Gives batch norms the nodes that follow them (norm_fusion.h), and activations whose gradients
/// follow from their results a place where they cost less: where a dense layer or a convolution
/// stores its sums, or behind max pooling. Once gradients are known, before buffers are.
void FuseNodes(const NetworkState& network, TrainingPlan& plan);

}  // namespace espalier
