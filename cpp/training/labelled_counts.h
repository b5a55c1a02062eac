// SPDX-License-Identifier: Apache-2.0
#pragma once

// How many entries of a batch are labelled, by target (BatchTotals).

#include <cstdint>
#include <span>
#include <vector>

#include "espalier/task_targets.h"
#include "network/network_state.h"

namespace espalier {

/// Targets of an example for a head: a class, or a number for each column.
std::int64_t TargetsOf(const GraphHead& head);

/// Adds those of a batch to `counts`, targets of all heads side by side; `targets` have been
/// checked.
void AddLabelled(std::span<const GraphHead> heads, std::int64_t batch,
                 std::span<const TaskTargets> targets, std::span<std::int64_t> counts);

}  // namespace espalier
