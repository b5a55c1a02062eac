// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "espalier/spec.h"

namespace espalier {

/// Checks a head's task: labels named, unique and at most 2^20; a loss that fits the kind;
/// weights and settings in their ranges. Throws Error: INVALID_ARGUMENT naming the head.
void CheckTask(const std::string& head, const TaskSpec& task);

/// "labels", "classes", "values".
const char* TaskKindName(TaskKind kind);

/// "logistic", "focal", "softmax", "squared", "huber".
const char* LossKindName(LossKind kind);

}  // namespace espalier
