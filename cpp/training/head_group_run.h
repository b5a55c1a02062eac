// SPDX-License-Identifier: Apache-2.0
#pragma once

// A group of heads in a training step: logits, losses, and the gradients of weights, biases
// and input.
//
// Cost follows the labels: where few entries of a wide group are labelled, only their logits
// and gradients are computed. The bits are those of the whole products, so that the choice,
// which a step's labels make, does not show; but for features of an unlabelled example that are
// not finite, which the whole products multiply by zero.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "espalier/trainer.h"
#include "losses/labelled_entries.h"
#include "losses/own_loss.h"
#include "network/network_state.h"
#include "training/parameter_updates.h"
#include "training/training_plan.h"

namespace espalier {

/// Of a plan's group; [batch, floats].
struct HeadGroupBuffers {
  const float* input = nullptr;
  float* rows = nullptr;  // the input, then its gradient, as the weights need it; null: as it lies
  float* logits = nullptr;
  float* grad_logits = nullptr;  // null: nothing trainable here or below
  float* grad_input = nullptr;   // null: not wanted
};

class HeadGroupRun {
 public:
  /// `updates` holds the gradients; `own_losses` are those of all heads that have one, by the
  /// heads' names. The references must outlive the run.
  HeadGroupRun(const NetworkState& network, const PlanGroup& group, std::int64_t max_batch,
               const HeadGroupBuffers& buffers, ParameterUpdates& updates,
               std::span<OwnLoss> own_losses = {});

  /// Scratch floats per worker that the workspace must have.
  std::int64_t ScratchFloats() const;

  /// Logits of all entries or of the labelled ones; `targets`, one a head of the network,
  /// have been checked.
  void Forward(std::int64_t batch, std::span<const TaskTargets> targets, Workspace& workspace);

  /// Losses of the group's heads and their gradients by logits. Sets the heads' entries of
  /// `tasks`, one a head of the network, and of `active_columns`, those of all heads side by
  /// side. Heads with an own loss get what that reads, and 0 for their loss. `whole`: the batch
  /// that this one is a shard of; null: none.
  void ComputeLosses(std::int64_t batch, std::span<const TaskTargets> targets,
                     std::span<TaskLoss> tasks, std::span<std::uint8_t> active_columns,
                     const BatchTotals* whole = nullptr);

  /// The losses left open by ComputeLosses; `answers` has one for each of `own_losses`.
  void AcceptLosses(std::span<const LossAnswer> answers, std::span<TaskLoss> tasks);

  /// Multiplies each head's gradients by logits by its factor, one a head of the network.
  void ScaleGradients(std::int64_t batch, std::span<const TaskLoss> tasks);

  /// True if an entry of `active_columns` that belongs to the group's heads is set.
  bool IsReached(std::span<const std::uint8_t> active_columns) const;

  /// How many of the group's heads are in `heads`, one entry a head of the network.
  int CountOf(std::span<const char> heads) const;

  /// Gradients of the trainable heads' parameters and of the input.
  void Backward(std::int64_t batch, Workspace& workspace);

  std::int64_t NativeBytes() const;

 private:
  struct Head {
    int index = 0;            // in the network
    std::int64_t column = 0;  // in the group
    std::int64_t width = 0;
    std::int64_t active_column = 0;  // of all heads
    std::int64_t first_target = 0;   // in BatchTotals::labelled
    std::int64_t targets = 0;        // an example's
    int own_loss = -1;               // in own_losses
  };

  // Neighbouring trainable heads: their gradients come from one product.
  struct Trainable {
    std::int64_t first_column = 0;  // in the group
    std::int64_t columns = 0;
    float* grad_weights = nullptr;
    float* grad_biases = nullptr;
  };

  void Bind(ParameterUpdates& updates);
  const float* weights() const {
    return network_.parameter_floats.data() + group_.group.first_weight;
  }
  const float* biases() const { return network_.parameter_floats.data() + group_.group.first_bias; }
  const float* rows() const { return buffers_.rows != nullptr ? buffers_.rows : buffers_.input; }
  float* grad_rows() const {
    return buffers_.rows != nullptr ? buffers_.rows : buffers_.grad_input;
  }
  bool ListEntries(std::int64_t batch, std::span<const TaskTargets> targets);
  void BackwardOfAll(std::int64_t batch, Workspace& workspace);
  void BackwardOfListed(std::int64_t batch, Workspace& workspace);

  const NetworkState& network_;
  const PlanGroup& group_;
  HeadGroupBuffers buffers_;
  std::int64_t max_batch_;
  std::span<OwnLoss> own_losses_;
  std::vector<Head> heads_;
  std::vector<Trainable> trainable_;
  std::vector<const TaskTargets*> targets_;  // of the step, by head of the group

  std::optional<LabelledEntries> entries_;  // none: the group is too small
  bool is_listed_ = false;                  // in this step; logits and gradients are by entry then
  AlignedArray<float> column_grads_;        // gradients by place in the lists by column
  std::vector<double> column_sums_;
};

}  // namespace espalier
