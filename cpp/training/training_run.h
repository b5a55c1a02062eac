// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs a training plan: forward, losses and backward, in memory of its own. Nothing of the
// network is changed until UpdateBuffers.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "espalier/trainer.h"
#include "network/input_entry.h"
#include "network/network_state.h"
#include "training/head_group_run.h"
#include "training/parameter_updates.h"
#include "training/training_plan.h"

namespace espalier {

/// One step's place in the training: which batch, and which random numbers.
struct StepPosition {
  std::int64_t batch = 0;
  std::int64_t step = 0;
  std::uint64_t seed = 0;
};

class TrainingRun {
 public:
  /// `updates` holds the gradients, and learns of late ones. All these arguments must outlive the
  /// run. Throws INVALID_ARGUMENT if one of `losses` is of no head, or not for its task.
  TrainingRun(NetworkState& network, const TrainingPlan& plan, ParameterUpdates& updates,
              const Losses& losses);

  /// Scratch floats per worker that the workspace must have, for the run and the updates.
  std::int64_t scratch_floats() const { return scratch_floats_; }

  /// Once, before the first step: what layers make of parameters that stay as they are.
  void Prepare(Workspace& workspace);

  /// Where the values of source `index` go before Forward: [batch, floats].
  float* Source(std::size_t index);

  /// Of the batch whose sources come next; null: all positions of all values.
  void SetLengths(const BatchLengths* lengths);
  const BatchLengths* lengths() const { return lengths_ ? &*lengths_ : nullptr; }

  /// Fills the sources that are inputs of the network from all its raw inputs.
  void SetInputs(std::int64_t batch, std::span<const float* const> inputs, Workspace& workspace);

  /// Targets have been checked; logits of entries that they leave unlabelled need not be
  /// computed.
  void Forward(const StepPosition& position, std::span<const TaskTargets> targets,
               Workspace& workspace);

  /// Losses, their gradients by logits, and what labelled entries reach, for the targets of
  /// Forward. Fills `tasks`, one entry a head; the loss of a head with an own one is still 0.
  /// `whole`: the batch that this one is a shard of; null: none.
  void ComputeLosses(std::int64_t batch, std::span<const TaskTargets> targets,
                     std::span<TaskLoss> tasks, const BatchTotals* whole = nullptr);

  /// In place of ComputeLosses: what the labelled entries of all shards reach.
  void SetReached(std::span<const std::int64_t> labelled);

  /// Those of heads with an own one, in the order of heads, with what they read after
  /// ComputeLosses.
  std::span<OwnLoss> own_losses() { return own_losses_; }

  /// Their answers, in that order; fills in `tasks`.
  void AcceptLosses(std::span<const LossAnswer> answers, std::span<TaskLoss> tasks);

  /// Multiplies the gradients by the logits of each head by its factor.
  void ScaleGradients(std::int64_t batch, std::span<const TaskLoss> tasks);

  /// Gradients of all trainable parameters but the late ones.
  void Backward(std::int64_t batch, Workspace& workspace);

  /// The first layer whose running statistics UpdateBuffers would make NaN or infinite, or null.
  const GraphLayer* FirstNonFiniteStatistics(std::int64_t batch) const;

  /// Moves running statistics of the layers that a labelled entry reached.
  void UpdateBuffers(std::int64_t batch);

  /// By node: how many of `heads`, one entry a head, stand on it.
  void CountHeads(std::span<const char> heads, std::span<int> counts) const;

  ReachedUnits reached() const { return {reached_nodes_, active_columns_}; }

  std::int64_t NativeBytes() const;

 private:
  // The buffers of a plan node as pointers.
  struct Node {
    const GraphLayer* layer = nullptr;
    std::vector<Shape> input_shapes;
    Shape output_shape{1};
    LayerUse use;
    bool runs_forward = true;  // false: another node does it along with its own pass
    bool runs_backward = false;
    int table = -1;  // whose gradient its layer's is, in ParameterUpdates; -1: of none
    Activation fused_activation = Activation::kNone;
    float fused_slope = 0.0f;
    std::uint32_t name_hash = 0;
    std::vector<const float*> inputs;
    std::vector<const float*> backward_inputs;
    const float* residual = nullptr;
    std::vector<const float*> parameters;
    std::vector<float*> mutable_parameters;
    std::vector<float*> grad_inputs;
    std::vector<float*> grad_parameters;
    float* output = nullptr;
    float* again = nullptr;
    float* saved = nullptr;
    float* forward_temporary = nullptr;
    float* backward_temporary = nullptr;
    float* prepared = nullptr;
    float* grad_output = nullptr;
  };

  float* Buffer(BufferId buffer);
  ForwardArguments ForwardOf(const Node& node, std::int64_t batch, Workspace& workspace) const;
  void BindNode(const PlanNode& plan_node);
  void CountScratch();
  void Move(const std::vector<PlanMove>& moves, std::int64_t batch, Workspace& workspace);
  void AddGradients(const std::vector<GradientAddition>& additions, std::int64_t batch,
                    Workspace& workspace);
  void MarkReachedNodes();
  bool MovesStatistics(std::size_t node) const;

  NetworkState& network_;
  const TrainingPlan& plan_;
  ParameterUpdates& updates_;
  AlignedArray<float> arena_;
  std::int64_t scratch_floats_ = 0;
  std::vector<Node> nodes_;
  std::vector<OwnLoss> own_losses_;
  std::vector<std::size_t> varying_nodes_;  // in the length of an input
  std::optional<BatchLengths> lengths_;
  std::vector<HeadGroupRun> groups_;
  std::vector<char> reached_nodes_;
  std::vector<std::uint8_t> active_columns_;  // of all heads side by side
  std::vector<InputEntry> entries_;           // of the network's inputs
};

}  // namespace espalier
