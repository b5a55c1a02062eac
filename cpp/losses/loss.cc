// SPDX-License-Identifier: Apache-2.0
#include "losses/loss.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "core/checked.h"
#include "core/cpu.h"
#include "core/text.h"
#include "kernels/training/entry_loss.h"
#include "kernels/attention/softmax.h"
#include "losses/labelled.h"

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
    if (IsLabelledValue(targets, i) && !(value >= least && value <= greatest)) {
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

double WeightOver(const TaskSpec& task, std::int64_t entries) {
  return entries > 0 ? task.weight / static_cast<double>(entries) : 0.0;
}

// LossScale of a batch, or of that which it is a shard of.
double SharedScale(const TaskSpec& task, std::int64_t batch, std::int64_t labelled,
                   const LossTotals* totals) {
  if (totals == nullptr) return LossScale(task, batch, labelled);
  return LossScale(task, totals->examples,
                   std::reduce(totals->labelled.begin(), totals->labelled.end()));
}

// What the loss of one entry counts for, and its gradient, by column.
class EntryScales {
 public:
  EntryScales(const TaskSpec& task, std::int64_t batch, std::int64_t labelled,
              const LossTotals* totals)
      : task_(task),
        is_per_label_(task.normalization == LossNormalization::kPerLabel),
        totals_(totals),
        shared_scale_(SharedScale(task, batch, labelled, totals)) {}

  bool is_per_label() const { return is_per_label_; }

  // `labelled`: entries of the column in the batch.
  double Scale(std::int64_t column, std::int64_t labelled) const {
    if (!is_per_label_) return shared_scale_;
    return WeightOver(
        task_, totals_ == nullptr ? labelled : totals_->labelled[static_cast<std::size_t>(column)]);
  }

  float PositiveWeight(std::size_t column) const {
    return task_.positive_weights.empty() ? 1.0f
                                          : static_cast<float>(task_.positive_weights[column]);
  }

 private:
  const TaskSpec& task_;
  bool is_per_label_;
  const LossTotals* totals_;
  double shared_scale_;
};

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

  const EntryScales entry_scales(task, arguments.batch, result.labelled, arguments.totals);
  const EntryLossSettings settings = SettingsOf(task);
  EntryColumns columns;
  for (std::int64_t first = 0; first < arguments.width; first += kEntryBlockColumns) {
    const EntryBlock block = BlockAt(arguments, targets, first);
    if (entry_scales.is_per_label()) CountLabelled(block, counts.data());
    std::array<double, kEntryBlockColumns> scales;
    for (std::size_t j = 0; j < static_cast<std::size_t>(kEntryBlockColumns); ++j) {
      const bool is_column = static_cast<std::int64_t>(j) < block.columns;
      scales[j] =
          is_column ? entry_scales.Scale(first + static_cast<std::int64_t>(j), counts[j]) : 0.0;
      columns.gradient_scales[j] = static_cast<float>(scales[j]);
      columns.positive_weights[j] =
          is_column ? entry_scales.PositiveWeight(static_cast<std::size_t>(first) + j) : 1.0f;
    }
    ComputeEntryLoss(settings, block, columns);
    for (std::size_t j = 0; j < static_cast<std::size_t>(block.columns); ++j) {
      result.loss += columns.loss_sums[j] * scales[j];
    }
  }
  return result;
}

// Gathers entries from the list, a block at a time; to the kernel a block is a single row.
class ListedBlock {
 public:
  ListedBlock(const TaskSpec& task, const TaskTargets& targets,
              const ListedLossArguments& arguments, const EntryScales& scales)
      : settings_(SettingsOf(task)),
        targets_(targets),
        arguments_(arguments),
        head_(arguments.entries->heads()[static_cast<std::size_t>(arguments.head)]),
        scales_(scales) {}

  void Add(std::int64_t row, std::int32_t entry) {
    const std::int64_t column = ColumnOf(entry);
    const std::size_t i = count_++;
    entries_[i] = entry;
    logits_[i] = arguments_.logits[entry];
    values_[i] = targets_.values[static_cast<std::size_t>(row * head_.width + column)];
    columns_.positive_weights[i] = scales_.PositiveWeight(static_cast<std::size_t>(column));
    columns_.gradient_scales[i] = static_cast<float>(
        scales_.Scale(column, arguments_.entries->Column(head_.first + column).size()));
    if (count_ == kMost) Compute();
  }

  void Compute() {
    if (count_ == 0) return;
    float* const grads = arguments_.grad_logits == nullptr ? nullptr : logits_.data();
    ComputeEntryLoss(settings_,
                     {.rows = 1,
                      .columns = static_cast<std::int64_t>(count_),
                      .logits = logits_.data(),
                      .grad_logits = grads,
                      .targets = values_.data()},
                     columns_);
    for (std::size_t i = 0; i < count_; ++i) {
      arguments_.column_sums[static_cast<std::size_t>(ColumnOf(entries_[i]))] +=
          columns_.loss_sums[i];
      if (grads != nullptr) arguments_.grad_logits[entries_[i]] = grads[i];
    }
    count_ = 0;
  }

 private:
  static constexpr std::size_t kMost = kEntryBlockColumns;  // 7 KiB on the stack

  // Of an entry, in the head.
  std::int64_t ColumnOf(std::int32_t entry) const {
    return arguments_.entries->columns()[entry] - head_.first;
  }

  const EntryLossSettings settings_;
  const TaskTargets& targets_;
  const ListedLossArguments& arguments_;
  const HeadColumns head_;
  const EntryScales& scales_;
  EntryColumns columns_;
  std::array<std::int32_t, kMost> entries_;
  std::array<float, kMost> logits_;  // then gradients
  std::array<float, kMost> values_;
  std::size_t count_ = 0;
};

LossResult ComputeListedEntries(const TaskSpec& task, const TaskTargets& targets,
                                const ListedLossArguments& arguments) {
  const LabelledEntries& list = *arguments.entries;
  const HeadColumns& head = list.heads()[static_cast<std::size_t>(arguments.head)];
  LossResult result;
  for (std::int64_t j = 0; j < head.width; ++j) {
    const std::int64_t count = list.Column(head.first + j).size();
    result.labelled += count;
    arguments.active[static_cast<std::size_t>(j)] = count > 0 ? 1 : 0;
    arguments.column_sums[static_cast<std::size_t>(j)] = 0.0;
  }
  const EntryScales scales(task, arguments.batch, result.labelled, arguments.totals);
  ListedBlock block(task, targets, arguments, scales);
  for (std::int64_t row = 0; row < arguments.batch; ++row) {
    const EntryRange range = list.RowOfHead(row, arguments.head);
    for (std::int32_t entry = range.begin; entry < range.end; ++entry) block.Add(row, entry);
  }
  block.Compute();
  for (std::int64_t j = 0; j < head.width; ++j) {
    result.loss += arguments.column_sums[static_cast<std::size_t>(j)] *
                   scales.Scale(j, list.Column(head.first + j).size());
  }
  return result;
}

// Logits and gradients of a row lie `offset_of(row)` behind the first; those of an unlabelled
// row are not read. `unlabelled(row)` is called for such rows.
template <typename OffsetOf, typename Unlabelled>
LossResult ComputeClasses(const TaskSpec& task, const TaskTargets& targets, std::int64_t batch,
                          const LossTotals* totals, std::int64_t width, const float* logits,
                          float* grad_logits, OffsetOf offset_of, Unlabelled unlabelled) {
  LossResult result;
  for (std::size_t row = 0; row < targets.classes.size(); ++row) {
    if (IsLabelledClass(targets, row)) ++result.labelled;
  }
  CrossEntropyRow row;
  row.columns = width;
  row.on = 1.0 - task.label_smoothing;
  row.off = task.label_smoothing / static_cast<double>(width);
  // One question, so per label is the same as per labelled entry.
  row.scale = SharedScale(task, batch, result.labelled, totals);
  row.class_weight_sum = static_cast<double>(width);
  if (!task.class_weights.empty()) {
    row.class_weights = task.class_weights.data();
    row.class_weight_sum = 0.0;
    for (const double weight : task.class_weights) row.class_weight_sum += weight;
  }
  double sum = 0.0;
  for (std::int64_t i = 0; i < batch; ++i) {
    const auto index = static_cast<std::size_t>(i);
    if (!IsLabelledClass(targets, index)) {
      unlabelled(i);
      continue;
    }
    row.logits = logits + offset_of(i);
    row.grad_logits = grad_logits == nullptr ? nullptr : grad_logits + offset_of(i);
    row.target = targets.classes[index];
    sum += SoftmaxCrossEntropy(row);
  }
  result.loss = sum * row.scale;
  return result;
}

void MarkAll(std::span<std::uint8_t> active, bool is_active) {
  std::fill(active.begin(), active.end(), static_cast<std::uint8_t>(is_active ? 1 : 0));
}

}  // namespace

double LossScale(const TaskSpec& task, std::int64_t batch, std::int64_t labelled) {
  return WeightOver(task, task.normalization == LossNormalization::kExamples ? batch : labelled);
}

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
  const auto offset_of = [&](std::int64_t row) { return row * arguments.stride; };
  const auto clear_row = [&](std::int64_t row) {
    if (arguments.grad_logits == nullptr) return;
    std::fill_n(arguments.grad_logits + offset_of(row), arguments.width, 0.0f);
  };
  if (IsEmpty(targets)) {
    for (std::int64_t row = 0; row < arguments.batch; ++row) clear_row(row);
    MarkAll(arguments.active, false);
    return {};
  }
  if (task.kind != TaskKind::kClasses) return ComputeEntries(task, targets, arguments);
  const LossResult result =
      ComputeClasses(task, targets, arguments.batch, arguments.totals, arguments.width,
                     arguments.logits, arguments.grad_logits, offset_of, clear_row);
  MarkAll(arguments.active, result.labelled > 0);
  return result;
}

LossResult ComputeListedLoss(const TaskSpec& task, const TaskTargets& targets,
                             const ListedLossArguments& arguments) {
  const FlushDenormals flush;
  if (IsEmpty(targets)) {
    MarkAll(arguments.active, false);
    return {};
  }
  if (task.kind != TaskKind::kClasses) return ComputeListedEntries(task, targets, arguments);
  const LabelledEntries& list = *arguments.entries;
  const LossResult result = ComputeClasses(
      task, targets, arguments.batch, arguments.totals,
      list.heads()[static_cast<std::size_t>(arguments.head)].width, arguments.logits,
      arguments.grad_logits,
      [&](std::int64_t row) { return list.RowOfHead(row, arguments.head).begin; },
      [](std::int64_t) {});
  MarkAll(arguments.active, result.labelled > 0);
  return result;
}

}  // namespace espalier
