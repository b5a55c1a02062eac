// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which targets are known: those that a mask names, if there is one; else values that are no NaN,
// and classes from 0 on.

#include <cmath>
#include <cstddef>

#include "espalier/task_targets.h"

namespace espalier {

/// Of entry i of [batch, width]; `targets` has values.
inline bool IsLabelledValue(const TaskTargets& targets, std::size_t i) {
  return targets.mask.empty() ? !std::isnan(targets.values[i]) : targets.mask[i] != 0;
}

/// `targets` has classes.
inline bool IsLabelledClass(const TaskTargets& targets, std::size_t row) {
  return targets.mask.empty() ? targets.classes[row] >= 0 : targets.mask[row] != 0;
}

}  // namespace espalier
