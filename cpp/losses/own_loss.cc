// SPDX-License-Identifier: Apache-2.0
#include "losses/own_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/checked.h"
#include "core/text.h"
#include "losses/loss.h"

namespace espalier {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

void CheckOwnLoss(const std::string& task_name, const TaskSpec& task) {
  if (task.normalization == LossNormalization::kPerLabel && task.kind != TaskKind::kClasses) {
    Fail(ErrorCode::kInvalidArgument, "loss of task '", task_name,
         "': expected a task whose sum is divided by examples or labelled entries, got one that ",
         "divides the sum of each label");
  }
}

OwnLoss::OwnLoss(std::string name, const TaskSpec& task, std::int64_t max_batch)
    : name_(std::move(name)),
      task_(task),
      has_classes_(task.kind == TaskKind::kClasses),
      width_(static_cast<std::int64_t>(task.labels.size())) {
  CheckOwnLoss(name_, task_);
  const std::int64_t entries = CheckedMultiply(max_batch, width_);
  logits_ = AlignedArray<float>(entries);
  gradients_ = AlignedArray<float>(entries);
  targets_ = AlignedArray<float>(has_classes_ ? 0 : entries);
  classes_ = AlignedArray<std::int32_t>(has_classes_ ? max_batch : 0);
  mask_ = AlignedArray<std::uint8_t>(has_classes_ ? max_batch : entries);
}

bool OwnLoss::IsLabelled(std::int64_t row, std::int64_t column) const {
  return mask_[has_classes_ ? row : row * width_ + column] != 0;
}

std::int64_t OwnLoss::Read(std::int64_t batch, const TaskTargets& targets, const float* logits,
                           std::int64_t stride, std::span<std::uint8_t> active) {
  const std::size_t entries = Index(batch * width_);
  const std::size_t answers = has_classes_ ? Index(batch) : entries;
  batch_ = {.examples = batch,
            .width = width_,
            .logits = logits_.span().first(entries),
            .targets = targets_.span().first(has_classes_ ? 0 : entries),
            .classes = classes_.span().first(has_classes_ ? answers : 0),
            .mask = mask_.span().first(answers)};
  std::fill(active.begin(), active.end(), std::uint8_t{0});
  labelled_ = has_classes_ ? ReadClasses(targets, active) : ReadEntries(targets, active);
  for (std::int64_t row = 0; row < batch; ++row) {
    for (std::int64_t j = 0; j < width_; ++j) {
      logits_[row * width_ + j] = IsLabelled(row, j) ? logits[row * stride + j] : kNaN;
    }
  }
  return labelled_;
}

std::int64_t OwnLoss::ReadEntries(const TaskTargets& targets, std::span<std::uint8_t> active) {
  std::int64_t labelled = 0;
  for (std::size_t i = 0; i < batch_.targets.size(); ++i) {
    const bool is_labelled =
        !targets.values.empty() &&
        (targets.mask.empty() ? !std::isnan(targets.values[i]) : targets.mask[i] != 0);
    const auto at = static_cast<std::int64_t>(i);
    mask_[at] = is_labelled ? 1 : 0;
    targets_[at] = is_labelled ? targets.values[i] : kNaN;
    if (!is_labelled) continue;
    ++labelled;
    if (!active.empty()) active[i % Index(width_)] = 1;
  }
  return labelled;
}

std::int64_t OwnLoss::ReadClasses(const TaskTargets& targets, std::span<std::uint8_t> active) {
  std::int64_t labelled = 0;
  for (std::size_t row = 0; row < batch_.classes.size(); ++row) {
    const bool is_labelled =
        !targets.classes.empty() &&
        (targets.mask.empty() ? targets.classes[row] >= 0 : targets.mask[row] != 0);
    const auto at = static_cast<std::int64_t>(row);
    mask_[at] = is_labelled ? 1 : 0;
    classes_[at] = is_labelled ? targets.classes[row] : -1;
    labelled += mask_[at];
  }
  if (labelled > 0) std::fill(active.begin(), active.end(), std::uint8_t{1});
  return labelled;
}

LossAnswer OwnLoss::Compute(const Loss& loss) {
  const std::span<float> gradients = gradients_.span().first(batch_.logits.size());
  std::fill(gradients.begin(), gradients.end(), 0.0f);
  return {.sum = labelled_ > 0 ? loss.Compute(batch_, gradients) : 0.0, .gradients = gradients};
}

double OwnLoss::Accept(const LossAnswer& answer, float* grad_logits, std::int64_t stride) const {
  if (answer.gradients.size() != batch_.logits.size()) {
    Fail(ErrorCode::kShapeMismatch, "loss of task '", name_, "': expected ", batch_.logits.size(),
         " gradients, got ", answer.gradients.size());
  }
  const double scale = LossScale(task_, batch_.examples, labelled_);
  const double share = labelled_ > 0 ? answer.sum * scale : 0.0;
  if (!std::isfinite(share)) return share;
  for (std::int64_t row = 0; row < batch_.examples; ++row) {
    for (std::int64_t j = 0; j < width_; ++j) {
      const std::int64_t entry = row * width_ + j;
      const float gradient = answer.gradients[Index(entry)];
      const bool is_labelled = IsLabelled(row, j);
      if (is_labelled ? !std::isfinite(gradient) : gradient != 0.0f) [[unlikely]] {
        RefuseGradient(entry, gradient);
      }
      if (grad_logits == nullptr) continue;
      grad_logits[row * stride + j] = is_labelled ? gradient * static_cast<float>(scale) : 0.0f;
    }
  }
  return share;
}

void OwnLoss::RefuseGradient(std::int64_t entry, float gradient) const {
  const std::int64_t row = entry / width_;
  const std::int64_t column = entry % width_;
  const bool is_labelled = IsLabelled(row, column);
  // C libraries disagree about the letters of NaN.
  const std::string got = std::isnan(gradient) ? "NaN" : Concat(gradient);
  Fail(is_labelled ? ErrorCode::kNonFinite : ErrorCode::kInvalidArgument, "loss of task '", name_,
       "', row ", row, ", column ", column, " (", task_.labels[Index(column)],
       "): expected a gradient ", is_labelled ? "that is finite" : "of 0, as nothing is labelled",
       ", got ", got);
}

std::int64_t OwnLoss::NativeBytes() const {
  return logits_.bytes() + gradients_.bytes() + targets_.bytes() + classes_.bytes() + mask_.bytes();
}

}  // namespace espalier
