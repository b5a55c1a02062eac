// SPDX-License-Identifier: Apache-2.0
#include "espalier/evaluation.h"

#include <algorithm>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/near_names.h"
#include "core/text.h"
#include "inference/probabilities.h"
#include "losses/loss.h"
#include "losses/own_loss.h"
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

const GraphHead& HeadOf(const NetworkState& network, std::string_view name) {
  std::vector<std::string> names;
  for (const GraphHead& head : network.heads) {
    if (head.name == name) return head;
    names.push_back(head.name);
  }
  Fail(ErrorCode::kInvalidArgument, "losses: expected the name of a head, got '", name, "'",
       NamesInstead(name, names));
}

// Sums over examples add up, so that a few at a time will do.
TaskLoss ComputeOwnTaskLoss(const GraphHead& head, const Loss& loss, std::int64_t examples,
                            const float* logits, std::int64_t stride, const TaskTargets& targets) {
  constexpr std::int64_t kChunk = 256;
  OwnLoss own_loss(head.name, head.task, std::min(examples, kChunk));
  TaskLoss result;
  for (std::int64_t first = 0; first < examples; first += kChunk) {
    const std::int64_t count = std::min(kChunk, examples - first);
    const auto part = [&](const auto& span, std::int64_t per_example) {
      return span.empty() ? span
                          : span.subspan(static_cast<std::size_t>(first * per_example),
                                         static_cast<std::size_t>(count * per_example));
    };
    const std::int64_t answers = head.task.kind == TaskKind::kClasses ? 1 : head.width();
    result.labelled += own_loss.Read(count,
                                     {.values = part(targets.values, answers),
                                      .classes = part(targets.classes, answers),
                                      .mask = part(targets.mask, answers)},
                                     logits + first * stride, stride, {});
    result.loss += own_loss.Compute(loss).sum;
  }
  result.loss *= LossScale(head.task, examples, result.labelled);
  return result;
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
                                 std::span<const TaskTargets> targets, const Losses& losses) {
  NetworkState& state = StateOf(network);
  const ReadScope scope(state.access, "task losses");
  CheckLogits(state, examples, logits.size());
  if (targets.size() != state.heads.size()) {
    Fail(ErrorCode::kShapeMismatch, "expected targets of ", state.heads.size(), " heads, got ",
         targets.size());
  }
  for (const auto& [name, loss] : losses) {
    HeadOf(state, name);
    if (loss == nullptr) {
      Fail(ErrorCode::kInvalidArgument, "losses: expected a loss for task '", name, "', got none");
    }
  }
  std::vector<TaskLoss> results;
  std::int64_t column = 0;
  for (std::size_t i = 0; i < state.heads.size(); ++i) {
    const GraphHead& head = state.heads[i];
    CheckTargets(head.name, head.task, examples, targets[i]);
    const float* const head_logits = examples == 0 ? nullptr : logits.data() + column;
    column += head.width();
    if (const auto own = losses.find(head.name); own != losses.end()) {
      results.push_back(ComputeOwnTaskLoss(head, *own->second, examples, head_logits,
                                           state.total_width(), targets[i]));
      continue;
    }
    std::vector<std::uint8_t> active(static_cast<std::size_t>(head.width()));
    const LossArguments arguments{.batch = examples,
                                  .width = head.width(),
                                  .logits = head_logits,
                                  .stride = state.total_width(),
                                  .active = active};
    const LossResult result = ComputeLoss(head.task, targets[i], arguments);
    results.push_back({.loss = result.loss, .labelled = result.labelled});
  }
  return results;
}

double OwnTaskLoss(const Network& network, std::string_view head, std::int64_t examples,
                   std::int64_t labelled, double sum) {
  NetworkState& state = StateOf(network);
  const ReadScope scope(state.access, "task losses");
  const GraphHead& of = HeadOf(state, head);
  CheckOwnLoss(of.name, of.task);
  return labelled > 0 ? sum * LossScale(of.task, examples, labelled) : 0.0;
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
