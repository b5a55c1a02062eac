// SPDX-License-Identifier: Apache-2.0
#pragma once

// From a part of a network to the operations that compute it.

#include <vector>

#include "inference/inference_plan.h"
#include "inference/plan_steps.h"
#include "network/network_state.h"

namespace espalier {

/// Computes values `outputs` from values `inputs` (those of the network normalized), or, if there
/// are none, from all raw inputs of the network. Throws Error: INVALID_ARGUMENT if they do not
/// suffice or an index is out of range.
PlanSteps CompilePlan(const NetworkState& network, const std::vector<int>& inputs,
                      const std::vector<int>& outputs, const PlanOptions& options);

}  // namespace espalier
