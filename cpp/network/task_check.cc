// SPDX-License-Identifier: Apache-2.0
#include "network/task_check.h"

#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_set>

#include "core/text.h"

namespace espalier {
namespace {

constexpr std::size_t kMaxLabels = std::size_t{1} << 20;

void CheckLabels(const std::string& head, const std::vector<std::string>& labels) {
  if (labels.empty() || labels.size() > kMaxLabels) {
    Fail(ErrorCode::kInvalidArgument, "head '", head, "': expected 1 to ", kMaxLabels,
         " labels, got ", labels.size());
  }
  std::unordered_set<std::string_view> seen;
  for (const std::string& label : labels) {
    if (label.empty()) {
      Fail(ErrorCode::kInvalidArgument, "head '", head, "': expected a name for label ",
           seen.size(), ", got an empty one");
    }
    if (!seen.insert(label).second) {
      Fail(ErrorCode::kInvalidArgument, "head '", head, "': label '", label, "' is named twice");
    }
  }
}

bool Fits(TaskKind kind, LossKind loss) {
  switch (loss) {
    case LossKind::kLogistic:
    case LossKind::kFocal:
      return kind == TaskKind::kLabels;
    case LossKind::kSoftmax:
      return kind == TaskKind::kClasses;
    case LossKind::kSquared:
    case LossKind::kHuber:
      return kind == TaskKind::kValues;
  }
  return false;
}

const char* FittingLosses(TaskKind kind) {
  switch (kind) {
    case TaskKind::kLabels:
      return "logistic or focal";
    case TaskKind::kClasses:
      return "softmax";
    case TaskKind::kValues:
      return "squared or huber";
  }
  return "none";
}

// Checks weights, one a label, or none: finite, and from 0 to `most`.
void CheckWeights(const std::string& head, const char* name, const std::vector<double>& weights,
                  const TaskSpec& task, TaskKind fitting,
                  double most = std::numeric_limits<double>::infinity()) {
  if (weights.empty()) {
    return;
  }
  if (task.kind != fitting) {
    Fail(ErrorCode::kInvalidArgument, "head '", head, "': ", name, " are for a ",
         TaskKindName(fitting), " task, got a ", TaskKindName(task.kind), " task");
  }
  if (weights.size() != task.labels.size()) {
    Fail(ErrorCode::kInvalidArgument, "head '", head, "': expected ", task.labels.size(), " ", name,
         ", one a label, got ", weights.size());
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!std::isfinite(weights[i]) || weights[i] < 0.0 || weights[i] > most) {
      Fail(ErrorCode::kInvalidArgument, "head '", head, "': expected ", name,
           std::isfinite(most) ? " of 0 to 1" : " of at least 0 and finite", ", got ", weights[i],
           " for label '", task.labels[i], "'");
    }
  }
}

void CheckSetting(bool is_legal, const std::string& head, const char* name, const char* expected,
                  double got) {
  if (!is_legal) {
    Fail(ErrorCode::kInvalidArgument, "head '", head, "': expected ", name, " ", expected, ", got ",
         got);
  }
}

}  // namespace

void CheckTask(const std::string& head, const TaskSpec& task) {
  CheckLabels(head, task.labels);
  if (!Fits(task.kind, task.loss)) {
    Fail(ErrorCode::kInvalidArgument, "head '", head, "': the loss of a ", TaskKindName(task.kind),
         " task is ", FittingLosses(task.kind), ", got ", LossKindName(task.loss));
  }
  CheckWeights(head, "positive weights", task.positive_weights, task, TaskKind::kLabels);
  CheckWeights(head, "class weights", task.class_weights, task, TaskKind::kClasses);
  CheckWeights(head, "thresholds", task.thresholds, task, TaskKind::kLabels, 1.0);
  CheckSetting(std::isfinite(task.weight) && task.weight >= 0.0, head, "weight",
               "of at least 0 and finite", task.weight);
  CheckSetting(task.label_smoothing >= 0.0 && task.label_smoothing < 1.0, head, "label smoothing",
               "in [0, 1)", task.label_smoothing);
  CheckSetting(task.kind != TaskKind::kValues || task.label_smoothing == 0.0, head,
               "label smoothing", "of 0 for a values task", task.label_smoothing);
  CheckSetting(std::isfinite(task.focal_gamma) && task.focal_gamma >= 0.0, head, "focal gamma",
               "of at least 0 and finite", task.focal_gamma);
  CheckSetting(std::isfinite(task.focal_alpha) && task.focal_alpha <= 1.0, head, "focal alpha",
               "of at most 1 and finite (negative: no weighting)", task.focal_alpha);
  CheckSetting(std::isfinite(task.huber_delta) && task.huber_delta > 0.0, head, "huber delta",
               "above 0 and finite", task.huber_delta);
}

const char* TaskKindName(TaskKind kind) {
  switch (kind) {
    case TaskKind::kLabels:
      return "labels";
    case TaskKind::kClasses:
      return "classes";
    case TaskKind::kValues:
      return "values";
  }
  return "unknown";
}

const char* LossKindName(LossKind kind) {
  switch (kind) {
    case LossKind::kLogistic:
      return "logistic";
    case LossKind::kFocal:
      return "focal";
    case LossKind::kSoftmax:
      return "softmax";
    case LossKind::kSquared:
      return "squared";
    case LossKind::kHuber:
      return "huber";
  }
  return "unknown";
}

}  // namespace espalier
