// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "espalier/loss.h"
#include "espalier/metrics.h"
#include "espalier/network.h"
#include "espalier/trainer.h"

namespace espalier {

/// The losses of a whole set, as in training but normalized over all its examples: one a
/// head. logits: [examples, total width]; targets: one a head; losses: in place of those of the
/// heads' tasks, none of them null.
/// Throws Error: SHAPE_MISMATCH, INVALID_ARGUMENT (a labelled target out of range; a loss without
/// a head of its name, null, or for a task that is normalized per label), BUSY (another thread
/// changes or trains the network).
std::vector<TaskLoss> TaskLosses(const Network& network, std::int64_t examples,
                                 std::span<const float> logits,
                                 std::span<const TaskTargets> targets, const Losses& losses = {});

/// The share of the cost of a head whose own loss (espalier/loss.h) was computed elsewhere and has
/// come to `sum` over all examples, of whose entries `labelled` were known.
/// Throws Error: INVALID_ARGUMENT (an unknown head, or one that is normalized per label), BUSY (as
/// above).
double OwnTaskLoss(const Network& network, std::string_view head, std::int64_t examples,
                   std::int64_t labelled, double sum);

/// Turns logits [examples, total width] into probabilities in place, with a predictor's
/// bits: sigmoid (labels), softmax (classes), identity (values).
/// Throws Error: SHAPE_MISMATCH, INVALID_ARGUMENT (a negative number of examples), BUSY
/// (as above).
void LogitsToProbabilities(const Network& network, std::int64_t examples, std::span<float> values);

/// Metrics of one task (espalier/metrics.h) from the logits [examples, width] of whatever model,
/// with a predictor's probabilities and the task's thresholds. Of `targets`, no mask is read.
/// Throws Error: SHAPE_MISMATCH, INVALID_ARGUMENT (a labelled target out of range), NON_FINITE (a
/// logit that is compared with a target).
TaskMetrics MetricsOfLogits(const TaskSpec& task, std::span<const float> logits,
                            const TaskTargets& targets);

/// The same from probabilities, or the values themselves. Many logits share a probability in float:
/// what goes by rank then sees ties.
TaskMetrics MetricsOfProbabilities(const TaskSpec& task, std::span<const float> probabilities,
                                   const TaskTargets& targets);

}  // namespace espalier
