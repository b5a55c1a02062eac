// SPDX-License-Identifier: Apache-2.0
#include "losses/own_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/checked.h"
#include "core/text.h"
#include "losses/labelled.h"
#include "losses/loss.h"

namespace espalier {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kMost = std::numeric_limits<float>::max();

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
  const std::int64_t step = mask_step();
  for (std::int64_t row = 0; row < batch; ++row) {
    const std::uint8_t* const mask = MaskOf(row);
    const float* const from = logits + row * stride;
    float* const to = logits_.data() + row * width_;
    // Selected, not branched over: masks are hard to guess.
    for (std::int64_t j = 0; j < width_; ++j) to[j] = mask[j * step] != 0 ? from[j] : kNaN;
  }
  return labelled_;
}

std::int64_t OwnLoss::ReadEntries(const TaskTargets& targets, std::span<std::uint8_t> active) {
  if (targets.values.empty()) {
    std::fill_n(mask_.data(), batch_.mask.size(), std::uint8_t{0});
    std::fill_n(targets_.data(), batch_.targets.size(), kNaN);
    return 0;
  }
  std::int64_t labelled = 0;
  for (std::int64_t i = 0; i < batch_.examples * width_; ++i) {
    const float value = targets.values[Index(i)];
    const bool is_labelled = IsLabelledValue(targets, Index(i));
    mask_[i] = is_labelled ? 1 : 0;
    targets_[i] = is_labelled ? value : kNaN;
    labelled += mask_[i];
  }
  for (std::int64_t row = 0; row < batch_.examples && !active.empty(); ++row) {
    for (std::int64_t j = 0; j < width_; ++j) active[Index(j)] |= MaskOf(row)[j];
  }
  return labelled;
}

std::int64_t OwnLoss::ReadClasses(const TaskTargets& targets, std::span<std::uint8_t> active) {
  std::int64_t labelled = 0;
  for (std::size_t row = 0; row < batch_.classes.size(); ++row) {
    const bool is_labelled = !targets.classes.empty() && IsLabelledClass(targets, row);
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
  bool are_right = true;
  const std::int64_t step = mask_step();
  for (std::int64_t row = 0; row < batch_.examples; ++row) {
    const std::uint8_t* const mask = MaskOf(row);
    const float* const from = answer.gradients.data() + row * width_;
    float* const to = grad_logits == nullptr ? nullptr : grad_logits + row * stride;
    for (std::int64_t j = 0; j < width_; ++j) {
      const bool is_labelled = mask[j * step] != 0;
      are_right &= std::abs(from[j]) <= (is_labelled ? kMost : 0.0f);
      if (to != nullptr) to[j] = is_labelled ? from[j] * static_cast<float>(scale) : 0.0f;
    }
  }
  if (!are_right) RefuseGradients(answer.gradients);
  return share;
}

// Finds the first that Accept has refused.
void OwnLoss::RefuseGradients(std::span<const float> gradients) const {
  std::int64_t entry = 0;
  while (std::abs(gradients[Index(entry)]) <=
         (IsLabelled(entry / width_, entry % width_) ? kMost : 0.0f)) {
    ++entry;
  }
  const std::int64_t row = entry / width_;
  const std::int64_t column = entry % width_;
  const float gradient = gradients[Index(entry)];
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
