// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values that a training step computes twice: most of the memory of a step is of values that wait
// for backward passes, and some of them follow from others that wait as well, in much less time
// than the products that read them take. GELU between two dense layers, for one, is the larger half
// of what a transformer's block keeps.

#include <cstdint>

#include "network/network_state.h"
#include "training/training_plan.h"

namespace espalier {

/// Smaller values are kept, of a whole batch: they cost little, and short steps are not made
/// longer.
inline constexpr std::int64_t kLeastRepeatedBytes = std::int64_t{1} << 20;

/// Sets PlanNode::is_repeated: of nodes whose layers are repeatable, that keep their inputs for
/// their own backward passes, and whose output no one needs after these. Once nodes are fused.
void ChooseRepeatedValues(const NetworkState& network, TrainingPlan& plan);

}  // namespace espalier
