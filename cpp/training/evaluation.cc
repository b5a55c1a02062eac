// SPDX-License-Identifier: Apache-2.0
#include "espalier/evaluation.h"

#include <algorithm>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/text.h"
#include "inference/probabilities.h"
#include "losses/loss.h"
#include "network/network_state.h"

namespace espalier {
namespace {

NetworkState& StateOf(const Network& network) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a network, got one that was moved from");
  }
  return *network.state();
}

void CheckLogits(const NetworkState& network, std::int64_t examples, std::size_t size) {
  if (examples < 0) {
    Fail(ErrorCode::kInvalidArgument, "expected at least 0 examples, got ", examples);
  }
  const std::int64_t width = network.total_width();
  if (static_cast<std::int64_t>(size) != CheckedMultiply(examples, width)) {
    Fail(ErrorCode::kShapeMismatch, "logits: expected [", examples, ", ", width, "], got ", size,
         " values");
  }
}

TaskMetrics MetricsOf(const TaskSpec& task, const TaskOutputs& outputs,
                      const TaskTargets& targets) {
  switch (task.kind) {
    case TaskKind::kLabels:
      return LabelMetrics(outputs, targets.values, task.labels, task.thresholds);
    case TaskKind::kClasses:
      return ClassMetrics(outputs, targets.classes, task.labels);
    case TaskKind::kValues:
      break;
  }
  return ValueMetrics(outputs.probabilities, targets.values, task.labels);
}

}  // namespace

std::vector<TaskLoss> TaskLosses(const Network& network, std::int64_t examples,
                                 std::span<const float> logits,
                                 std::span<const TaskTargets> targets) {
  NetworkState& state = StateOf(network);
  const ReadScope scope(state.access, "task losses");
  CheckLogits(state, examples, logits.size());
  if (targets.size() != state.heads.size()) {
    Fail(ErrorCode::kShapeMismatch, "expected targets of ", state.heads.size(), " heads, got ",
         targets.size());
  }
  std::vector<TaskLoss> losses;
  std::int64_t column = 0;
  for (std::size_t i = 0; i < state.heads.size(); ++i) {
    const GraphHead& head = state.heads[i];
    CheckTargets(head.name, head.task, examples, targets[i]);
    std::vector<std::uint8_t> active(static_cast<std::size_t>(head.width()));
    const LossArguments arguments{.batch = examples,
                                  .width = head.width(),
                                  .logits = examples == 0 ? nullptr : logits.data() + column,
                                  .stride = state.total_width(),
                                  .active = active};
    const LossResult result = ComputeLoss(head.task, targets[i], arguments);
    losses.push_back({.loss = result.loss, .labelled = result.labelled});
    column += head.width();
  }
  return losses;
}

void LogitsToProbabilities(const Network& network, std::int64_t examples, std::span<float> values) {
  NetworkState& state = StateOf(network);
  const ReadScope scope(state.access, "probabilities");
  CheckLogits(state, examples, values.size());
  if (examples == 0) return;
  const FlushDenormals flush;  // as in predictors
  Probabilities(state.heads).Apply(examples, values.data());
}

TaskMetrics MetricsOfLogits(const TaskSpec& task, std::span<const float> logits,
                            const TaskTargets& targets) {
  const std::vector<GraphHead> heads = {{.name = "", .task = task}};
  const std::int64_t width = std::max<std::int64_t>(heads[0].width(), 1);
  const std::int64_t examples = static_cast<std::int64_t>(logits.size()) / width;
  AlignedArray<float> probabilities(static_cast<std::int64_t>(logits.size()));
  std::copy(logits.begin(), logits.end(), probabilities.data());
  if (examples > 0) {
    const FlushDenormals flush;  // as in predictors
    Probabilities(heads).Apply(examples, probabilities.data());
  }
  return MetricsOf(task, {.probabilities = probabilities.span(), .logits = logits}, targets);
}

TaskMetrics MetricsOfProbabilities(const TaskSpec& task, std::span<const float> probabilities,
                                   const TaskTargets& targets) {
  return MetricsOf(task, {.probabilities = probabilities}, targets);
}

}  // namespace espalier
