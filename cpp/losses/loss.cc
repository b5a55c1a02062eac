// SPDX-License-Identifier: Apache-2.0
#include "losses/loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/text.h"
#include "kernels/entry_loss.h"
#include "kernels/softmax.h"

namespace espalier {
namespace {

bool IsEmpty(const TaskTargets& targets) {
  return targets.values.empty() && targets.classes.empty() && targets.mask.empty();
}

std::int64_t Size(const auto& span) { return static_cast<std::int64_t>(span.size()); }

void CheckSize(const std::string& task_name, const char* what, std::int64_t expected,
               std::int64_t got) {
  if (got != expected) {
    Fail(ErrorCode::kShapeMismatch, "task ", task_name, ": expected ", expected, " ", what,
         ", got ", got);
  }
}

// Finds the entry that TargetsInRange has refused.
[[noreturn]] void RefuseValue(const std::string& task_name, const TaskSpec& task,
                              std::int64_t width, const TaskTargets& targets, float least,
                              float greatest) {
  const char* expected = task.kind == TaskKind::kLabels ? "a target from 0 to 1" : "a finite value";
  for (std::size_t i = 0; i < targets.values.size(); ++i) {
    const float value = targets.values[i];
    const bool is_labelled = targets.mask.empty() ? !std::isnan(value) : targets.mask[i] != 0;
    if (is_labelled && !(value >= least && value <= greatest)) {
      const std::size_t row = i / static_cast<std::size_t>(width);
      const std::size_t label = i % static_cast<std::size_t>(width);
      Fail(ErrorCode::kInvalidArgument, "task ", task_name, ", row ", row, ", label ",
           task.labels[label], ": expected ", expected, ", got ", value);
    }
  }
  Fail(ErrorCode::kInternal, "task ", task_name, ": a target was refused but not found");
}

void CheckClasses(const std::string& task_name, std::int64_t width, const TaskTargets& targets) {
  for (std::size_t row = 0; row < targets.classes.size(); ++row) {
    const std::int32_t value = targets.classes[row];
    const bool is_labelled = targets.mask.empty() ? value != -1 : targets.mask[row] != 0;
    if (is_labelled && (value < 0 || value >= width)) {
      Fail(ErrorCode::kInvalidArgument, "task ", task_name, ", row ", row,
           ": expected a class from 0 to ", width - 1, targets.mask.empty() ? ", or -1" : "",
           ", got ", value);
    }
  }
}

EntryLossSettings SettingsOf(const TaskSpec& task) {
  EntryLossSettings settings;
  switch (task.loss) {
    case LossKind::kLogistic:
      settings.kind = EntryLoss::kLogistic;
      break;
    case LossKind::kFocal:
      settings.kind = EntryLoss::kFocal;
      break;
    case LossKind::kSquared:
      settings.kind = EntryLoss::kSquared;
      break;
    case LossKind::kHuber:
      settings.kind = EntryLoss::kHuber;
      break;
    case LossKind::kSoftmax:
      Fail(ErrorCode::kInternal, "softmax is not a loss of independent entries");
  }
  settings.smoothing = static_cast<float>(task.label_smoothing);
  settings.gamma = static_cast<float>(task.focal_gamma);
  if (task.focal_alpha >= 0.0) {
    settings.positive_alpha = static_cast<float>(task.focal_alpha);
    settings.negative_alpha = static_cast<float>(1.0 - task.focal_alpha);
  }
  settings.delta = static_cast<float>(task.huber_delta);
  return settings;
}

// The block of columns that begins at `first`.
EntryBlock BlockAt(const LossArguments& arguments, const TaskTargets& targets, std::int64_t first) {
  EntryBlock block;
  block.rows = arguments.batch;
  block.columns = std::min(kEntryBlockColumns, arguments.width - first);
  block.logits = arguments.logits + first;
  block.grad_logits = arguments.grad_logits == nullptr ? nullptr : arguments.grad_logits + first;
  block.logits_stride = arguments.stride;
  block.targets = targets.values.data() + first;
  block.mask = targets.mask.empty() ? nullptr : targets.mask.data() + first;
  block.targets_stride = arguments.width;
  return block;
}

using Counts = std::array<std::int32_t, kEntryBlockColumns>;

LossResult ComputeEntries(const TaskSpec& task, const TaskTargets& targets,
                          const LossArguments& arguments) {
  LossResult result;
  Counts counts;
  for (std::int64_t first = 0; first < arguments.width; first += kEntryBlockColumns) {
    const EntryBlock block = BlockAt(arguments, targets, first);
    CountLabelled(block, counts.data());
    for (std::int64_t j = 0; j < block.columns; ++j) {
      const std::int32_t count = counts[static_cast<std::size_t>(j)];
      result.labelled += count;
      if (!arguments.active.empty()) {
        arguments.active[static_cast<std::size_t>(first + j)] = count > 0 ? 1 : 0;
      }
    }
  }

  const bool is_per_label = task.normalization == LossNormalization::kPerLabel;
  const std::int64_t divisor =
      task.normalization == LossNormalization::kExamples ? arguments.batch : result.labelled;
  const EntryLossSettings settings = SettingsOf(task);
  EntryColumns columns;
  for (std::int64_t first = 0; first < arguments.width; first += kEntryBlockColumns) {
    const EntryBlock block = BlockAt(arguments, targets, first);
    if (is_per_label) CountLabelled(block, counts.data());
    std::array<double, kEntryBlockColumns> scales;
    for (std::size_t j = 0; j < static_cast<std::size_t>(kEntryBlockColumns); ++j) {
      const bool is_column = static_cast<std::int64_t>(j) < block.columns;
      const std::int64_t entries = is_per_label && is_column ? counts[j] : divisor;
      scales[j] = entries > 0 ? task.weight / static_cast<double>(entries) : 0.0;
      columns.gradient_scales[j] = static_cast<float>(scales[j]);
      columns.positive_weights[j] =
          is_column && !task.positive_weights.empty()
              ? static_cast<float>(task.positive_weights[static_cast<std::size_t>(first) + j])
              : 1.0f;
    }
    ComputeEntryLoss(settings, block, columns);
    for (std::size_t j = 0; j < static_cast<std::size_t>(block.columns); ++j) {
      result.loss += columns.loss_sums[j] * scales[j];
    }
  }
  return result;
}

bool IsLabelledRow(const TaskTargets& targets, std::size_t row) {
  return targets.mask.empty() ? targets.classes[row] >= 0 : targets.mask[row] != 0;
}

LossResult ComputeClasses(const TaskSpec& task, const TaskTargets& targets,
                          const LossArguments& arguments) {
  LossResult result;
  for (std::size_t row = 0; row < targets.classes.size(); ++row) {
    if (IsLabelledRow(targets, row)) ++result.labelled;
  }
  // A classes head is one question, so per label is the same as per labelled entry.
  const std::int64_t divisor =
      task.normalization == LossNormalization::kExamples ? arguments.batch : result.labelled;
  CrossEntropyRow row;
  row.columns = arguments.width;
  row.on = 1.0 - task.label_smoothing;
  row.off = task.label_smoothing / static_cast<double>(arguments.width);
  row.scale = divisor > 0 ? task.weight / static_cast<double>(divisor) : 0.0;
  row.class_weight_sum = static_cast<double>(arguments.width);
  if (!task.class_weights.empty()) {
    row.class_weights = task.class_weights.data();
    row.class_weight_sum = 0.0;
    for (const double weight : task.class_weights) row.class_weight_sum += weight;
  }
  double sum = 0.0;
  for (std::int64_t i = 0; i < arguments.batch; ++i) {
    const auto index = static_cast<std::size_t>(i);
    row.logits = arguments.logits + i * arguments.stride;
    row.grad_logits =
        arguments.grad_logits == nullptr ? nullptr : arguments.grad_logits + i * arguments.stride;
    if (IsLabelledRow(targets, index)) {
      row.target = targets.classes[index];
      sum += SoftmaxCrossEntropy(row);
    } else if (row.grad_logits != nullptr) {
      std::fill_n(row.grad_logits, arguments.width, 0.0f);
    }
  }
  result.loss = sum * row.scale;
  std::fill(arguments.active.begin(), arguments.active.end(),
            static_cast<std::uint8_t>(result.labelled > 0 ? 1 : 0));
  return result;
}

}  // namespace

void CheckTargets(const std::string& task_name, const TaskSpec& task, std::int64_t batch,
                  const TaskTargets& targets) {
  if (IsEmpty(targets)) return;
  const auto width = static_cast<std::int64_t>(task.labels.size());
  const bool has_classes = task.kind == TaskKind::kClasses;
  const std::int64_t entries = has_classes ? batch : CheckedMultiply(batch, width);
  CheckSize(task_name, "class targets", has_classes ? batch : 0, Size(targets.classes));
  CheckSize(task_name, "value targets", has_classes ? 0 : entries, Size(targets.values));
  if (!targets.mask.empty()) CheckSize(task_name, "mask entries", entries, Size(targets.mask));
  if (has_classes) {
    CheckClasses(task_name, width, targets);
    return;
  }
  const bool is_labels = task.kind == TaskKind::kLabels;
  const float greatest = is_labels ? 1.0f : std::numeric_limits<float>::max();
  const float least = is_labels ? 0.0f : -greatest;
  const std::uint8_t* mask = targets.mask.empty() ? nullptr : targets.mask.data();
  if (!TargetsInRange(targets.values.data(), mask, entries, least, greatest)) {
    RefuseValue(task_name, task, width, targets, least, greatest);
  }
}

LossResult ComputeLoss(const TaskSpec& task, const TaskTargets& targets,
                       const LossArguments& arguments) {
  const FlushDenormals flush;
  if (IsEmpty(targets)) {
    if (arguments.grad_logits != nullptr) {
      for (std::int64_t row = 0; row < arguments.batch; ++row) {
        std::fill_n(arguments.grad_logits + row * arguments.stride, arguments.width, 0.0f);
      }
    }
    std::fill(arguments.active.begin(), arguments.active.end(), std::uint8_t{0});
    return {};
  }
  return task.kind == TaskKind::kClasses ? ComputeClasses(task, targets, arguments)
                                         : ComputeEntries(task, targets, arguments);
}

}  // namespace espalier
