// SPDX-License-Identifier: Apache-2.0
#pragma once

// Losses of a head over the labelled entries of a batch, with their gradients.

#include <cstdint>
#include <span>

#include "espalier/spec.h"
#include "espalier/task_targets.h"
#include "losses/labelled_entries.h"

namespace espalier {

/// What a task's sum is divided by where a batch is a shard of a larger one.
struct LossTotals {
  std::int64_t examples = 0;                    // of the larger batch
  std::span<const std::int64_t> labelled = {};  // in it: by column of the head; classes: one number
};

struct LossArguments {
  std::int64_t batch = 0;
  std::int64_t width = 0;               // of the head
  const float* logits = nullptr;        // [batch, width], rows logits_stride apart
  std::int64_t stride = 0;              // of logits and grad_logits
  float* grad_logits = nullptr;         // overwritten; exactly 0 where unlabelled; null: loss only
  std::span<std::uint8_t> active = {};  // [width]: 1 for columns that a labelled entry reaches
  const LossTotals* totals = nullptr;   // null: the batch is the whole one
};

struct LossResult {
  double loss = 0.0;  // task weight × normalized sum
  std::int64_t labelled = 0;
};

/// A head of a group whose labelled entries alone have logits.
struct ListedLossArguments {
  std::int64_t batch = 0;
  const LabelledEntries* entries = nullptr;
  std::int64_t head = 0;                // in the group
  const float* logits = nullptr;        // by entry
  float* grad_logits = nullptr;         // by entry, of the head's entries; null: loss only
  std::span<double> column_sums = {};   // scratch: as many as the head has columns
  std::span<std::uint8_t> active = {};  // as in LossArguments
  const LossTotals* totals = nullptr;   // as in LossArguments
};

/// What the sum of a batch's losses, and each gradient, is multiplied by: the task's weight over
/// the examples of the batch, or over its labelled entries; 0 where these are none. Not for
/// labels that are normalized each by itself.
double LossScale(const TaskSpec& task, std::int64_t batch, std::int64_t labelled);

/// Checks the sizes of targets and every labelled value: labels in [0, 1], classes in
/// [0, n), values finite. Throws Error: SHAPE_MISMATCH, or INVALID_ARGUMENT naming task,
/// row and label. Nothing under mask 0 is read.
void CheckTargets(const std::string& task_name, const TaskSpec& task, std::int64_t batch,
                  const TaskTargets& targets);

/// Loss and gradient of the task; targets have been checked. No labelled entry: loss 0,
/// gradient 0. Sums in double, in an order that depends on the batch alone.
LossResult ComputeLoss(const TaskSpec& task, const TaskTargets& targets,
                       const LossArguments& arguments);

/// As ComputeLoss, with the same bits.
LossResult ComputeListedLoss(const TaskSpec& task, const TaskTargets& targets,
                             const ListedLossArguments& arguments);

}  // namespace espalier
