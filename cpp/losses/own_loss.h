// SPDX-License-Identifier: Apache-2.0
#pragma once

// A head whose loss is the caller's own: what that loss reads, in memory of its own, and what
// becomes of its answer.

#include <cstdint>
#include <span>
#include <string>

#include "core/memory.h"
#include "espalier/loss.h"
#include "espalier/spec.h"
#include "espalier/task_targets.h"

namespace espalier {

/// Throws INVALID_ARGUMENT if the task can't have one: it normalizes each label's sum by itself.
void CheckOwnLoss(const std::string& task_name, const TaskSpec& task);

class OwnLoss {
 public:
  /// For batches of up to max_batch; `task`, which CheckOwnLoss holds for, must outlive this.
  OwnLoss(std::string name, const TaskSpec& task, std::int64_t max_batch);

  /// Takes logits [batch, width], rows `stride` apart, and targets that have been checked, and
  /// returns how many entries are labelled. `active` as in LossArguments; empty: not wanted.
  std::int64_t Read(std::int64_t batch, const TaskTargets& targets, const float* logits,
                    std::int64_t stride, std::span<std::uint8_t> active);

  /// What Read took, as a loss sees it.
  const LossBatch& batch() const { return batch_; }
  std::int64_t labelled() const { return labelled_; }

  /// Runs `loss` on it; without a labelled entry the answer is 0. The gradients hold until the next
  /// call.
  LossAnswer Compute(const Loss& loss);

  /// The head's share of J. Throws SHAPE_MISMATCH unless there is a gradient for each logit,
  /// NON_FINITE for one that is not finite, INVALID_ARGUMENT for one that is not 0 where nothing
  /// is labelled, all naming row and column. A sum that is not finite is given back as it is, with
  /// no gradient looked at. Scaled gradients go to grad_logits, rows `stride` apart; null: nowhere.
  double Accept(const LossAnswer& answer, float* grad_logits, std::int64_t stride) const;

  const std::string& name() const { return name_; }
  std::int64_t NativeBytes() const;

 private:
  // Of a row; a class's mask has one entry for all columns.
  const std::uint8_t* MaskOf(std::int64_t row) const {
    return mask_.data() + row * (has_classes_ ? 1 : width_);
  }
  std::int64_t mask_step() const { return has_classes_ ? 0 : 1; }
  bool IsLabelled(std::int64_t row, std::int64_t column) const {
    return MaskOf(row)[column * mask_step()] != 0;
  }
  std::int64_t ReadEntries(const TaskTargets& targets, std::span<std::uint8_t> active);
  std::int64_t ReadClasses(const TaskTargets& targets, std::span<std::uint8_t> active);
  [[noreturn]] void RefuseGradients(std::span<const float> gradients) const;

  std::string name_;
  const TaskSpec& task_;
  bool has_classes_;
  std::int64_t width_;
  AlignedArray<float> logits_;
  AlignedArray<float> gradients_;
  AlignedArray<float> targets_;
  AlignedArray<std::int32_t> classes_;
  AlignedArray<std::uint8_t> mask_;
  LossBatch batch_;
  std::int64_t labelled_ = 0;
};

}  // namespace espalier
