// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "espalier/balance.h"
#include "espalier/features.h"
#include "espalier/inputs.h"
#include "espalier/loss.h"
#include "espalier/network.h"
#include "espalier/optimizer.h"
#include "espalier/task_targets.h"

namespace espalier {

struct TrainerConfig {
  OptimizerConfig optimizer = AdamW{};
  Schedule schedule;
  std::int64_t max_batch_size = 32;
  std::uint64_t seed = 0;            ///< of dropout
  std::optional<double> clip_value;  ///< gradients to [-v, v]
  std::optional<double> clip_norm;   ///< all gradients together to this 2-norm
  bool decay_biases_and_norms = false;
  double layer_decay = 1.0;  ///< rate × decay^(layers with parameters between it and the output)
  /// Decay of the backbone's parameters towards what they were at the start, in place of weight
  /// decay there and apart from the gradient: w += min(1, rate·start_decay)·(start - w). Xuhong et
  /// al. 2018 (L2-SP), arXiv:1802.01483.
  double start_decay = 0.0;
  /// Keeps an average of what trains: after step t, from 0, it moves by 1 - min(decay,
  /// (1 + t)/(10 + t)) of the way to the parameters. See SwapAverage.
  std::optional<double> average_decay;
  /// Of the tasks against each other. FAMO and PCGrad take no losses of the caller's own, and whole
  /// steps alone.
  BalanceConfig balance = PlainWeights{};
  int threads = 0;  ///< of a call, at most; 1: the caller's alone; 0: ThreadCount()
  /// Where cached features go that memory has no room for, in a file without a name; empty:
  /// nowhere.
  std::string feature_folder;
  /// Steps may be those of several trainers together (ComputeGradients, ApplyGradients). Takes no
  /// losses of the caller's own and PlainWeights alone.
  bool data_parallel = false;
  /// In place of those of the heads' tasks. Null: the caller computes it between BeginStep and
  /// FinishStep. No part of the network: neither copies nor model files have them.
  Losses losses;
};

/// A batch that is computed in parts, its shards: what losses are divided by, and what the step
/// reaches.
struct BatchTotals {
  std::int64_t examples = 0;  ///< of all shards
  /// Sums of what Trainer::CountLabelled says of the shards.
  std::span<const std::int64_t> labelled = {};
};

/// Consecutive examples of such a batch.
struct Shard {
  std::int64_t first = 0;  ///< place of its first example in the batch
  std::int64_t examples = 0;
};

struct TaskLoss {
  double loss = 0.0;          ///< task weight × normalized sum: its share of J
  std::int64_t labelled = 0;  ///< labelled entries it was computed from
  double factor = 1.0;        ///< what TrainerConfig::balance multiplied its gradients by
};

struct StepResult {
  double loss = 0.0;            ///< J, without the factors of TrainerConfig::balance
  std::vector<TaskLoss> tasks;  ///< in the order of heads
  double learning_rate = 0.0;
  double gradient_norm = 0.0;  ///< before clipping
};

/// Trains the layers of a network that are not frozen.
///
/// The largest frozen prefix runs through an inference plan; `CacheFeatures`
/// computes it once per example. Steps allocate nothing once one has run (with PCGrad, little); the
/// first evaluation after a step packs the weights anew. Belongs to the thread that made it: a call
/// from another one throws INVALID_STATE. It snapshots what is frozen: freezing, unfreezing, a
/// layer's rate or a frozen parameter changed afterwards makes the next call throw INVALID_STATE.
class Trainer {
 public:
  /// Takes the network for training until destroyed or `Release`d; throws
  /// BUSY if another trainer holds it, INVALID_STATE if nothing is trainable;
  /// INVALID_ARGUMENT if a layer reads the output of a head, or training takes more than the
  /// limits that the network was loaded with.
  Trainer(Network& network, const TrainerConfig& config);
  /// One that was moved from can be destroyed or assigned to; all else throws INVALID_STATE.
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;
  ~Trainer();

  /// Forward, losses, backward, update. inputs: [batch, shape] each; targets: one a head.
  ///
  /// Throws Error: INVALID_ARGUMENT or SHAPE_MISMATCH (a labelled target out of
  /// range names row and label), NON_FINITE (an input, naming its row; a loss or
  /// gradient, naming step and task, or row and column where its loss is the caller's own; a mean
  /// or variance of a batch norm, naming step and layer; gradients that, once clipped, may have a
  /// norm of 1e19 or more, if the optimizer keeps squares of them; an update, naming step and
  /// parameter). After any of these, network and optimizer are as before the call. The result
  /// belongs to the trainer and holds until its next call.
  const StepResult& Step(std::int64_t batch, const Inputs& inputs,
                         std::span<const TaskTargets> targets);

  /// Step in two halves, for losses that are computed elsewhere. Begin: checks, forward, and the
  /// losses of all other heads; returns what each of TrainerConfig::losses is computed from, in
  /// the order of heads, until the trainer's next call. Finish: checks their answers, in that
  /// order, as it checks those of losses in Step; then backward and update. Both have the
  /// exceptions of Step. Whatever uses the trainer's memory in between ends the step that was
  /// begun: FinishStep is INVALID_STATE then, and where parameters were written meanwhile.
  std::span<const LossBatch> BeginStep(std::int64_t batch, const Inputs& inputs,
                                       std::span<const TaskTargets> targets);
  const StepResult& FinishStep(std::span<const LossAnswer> answers);

  /// Data-parallel steps (TrainerConfig::data_parallel): trainers of like networks, in processes of
  /// their own or one after the other in one, compute the gradients of a batch's shards; each
  /// applies their sum. Where all add in one order, all have the same bits after each step.
  ///
  /// How many targets an example has: a number for each column of heads of labels and values, one
  /// for a head of classes, in the order of heads.
  std::int64_t TargetCount() const;
  /// Adds to counts, [TargetCount], how many of a shard's examples have each target.
  void CountLabelled(std::int64_t examples, std::span<const TaskTargets> targets,
                     std::span<std::int64_t> counts) const;
  /// Floats that ComputeGradients writes: gradients of the parameters that train, in the order of
  /// Network::Parameters; then running statistics of layers that train, likewise, as the shard
  /// would leave them times its share of the examples; then the heads' shares of J.
  std::int64_t GradientFloats() const;
  /// Those of a shard, with losses scaled for the whole batch: of all shards they add up to the
  /// gradient of J. Nothing of network or optimizer changes. Dropout depends on seed, step and
  /// shard.first; batch norm takes the shard's own mean and variance. A single shard, all of the
  /// batch, has the gradients of Step with clip_norm, bit by bit.
  ///
  /// Throws as Step does; INVALID_STATE without data_parallel; INVALID_ARGUMENT for totals that
  /// can't be those of a batch with this shard; SHAPE_MISMATCH for wrong sizes.
  void ComputeGradients(const BatchTotals& whole, const Shard& shard, const Inputs& inputs,
                        std::span<const TaskTargets> targets, std::span<float> gradients);
  /// A step by the sum of all shards: clips, decays and updates what they reach, and takes over
  /// their statistics: the mean of what each shard would have left. Throws as ComputeGradients,
  /// NON_FINITE for what in the sum is not finite; then nothing has changed.
  const StepResult& ApplyGradients(const BatchTotals& whole, std::span<const float> gradients);

  /// True if some layer with parameters lies in the frozen prefix, so that caching pays.
  bool HasFrozenPrefix() const;
  std::int64_t FeatureCount() const;  ///< floats per example that a cache would hold

  /// Cached features of a data set. Slot names are the caller's (0: training, 1: validation, …).
  /// Reserve: room for `examples`, in memory or else in a file of TrainerConfig::feature_folder;
  /// throws OUT_OF_MEMORY if there is none. True if a file holds them.
  bool ReserveFeatures(int slot, std::int64_t examples);
  /// Computes the features of examples [first, first + batch) once.
  void CacheFeatures(int slot, std::int64_t first, std::int64_t batch, const Inputs& inputs);

  /// Features that outlive the trainer: made for this fingerprint, which tells frozen prefixes
  /// apart (32 hexadecimal digits; INVALID_STATE without a prefix), in a slot of their own, which
  /// keeps them alive. Throws INVALID_ARGUMENT if they are of another prefix.
  std::string PrefixFingerprint() const;
  void ShareFeatures(int slot, const Features& features);
  /// Computes features of examples that have room, in any order.
  void CacheFeatures(int slot, std::span<const std::int64_t> examples, const Inputs& inputs);

  /// As Step, on cached examples (any order; each must have been cached).
  const StepResult& StepCached(int slot, std::span<const std::int64_t> examples,
                               std::span<const TaskTargets> targets);
  std::span<const LossBatch> BeginStepCached(int slot, std::span<const std::int64_t> examples,
                                             std::span<const TaskTargets> targets);

  /// Logits of all heads, [batch, total width], in evaluation mode with the current
  /// parameters. Cached form: from features.
  void Evaluate(std::int64_t batch, const Inputs& inputs, std::span<float> logits);
  void EvaluateCached(int slot, std::span<const std::int64_t> examples, std::span<float> logits);

  /// Keeps a copy of all parameters and buffers / puts the copy back (best weights).
  void SaveBest();
  void RestoreBest();

  /// Puts the averages where the parameters are, and the parameters aside; once more puts all
  /// back. Steps are INVALID_STATE in between. Throws INVALID_STATE without average_decay.
  void SwapAverage();

  /// Goes on from an earlier trainer of the same network, which was released, before the first
  /// step: takes over the optimizer's state of what trains in both, the weights at the start, and
  /// the best ones. `steps` counts from here on: those of the schedule. Throws INVALID_STATE after
  /// a step, INVALID_ARGUMENT if the other trains another network or by another kind of optimizer.
  void ContinueFrom(const Trainer& earlier, std::int64_t steps);

  std::int64_t steps() const;
  std::int64_t prefix_examples() const;  ///< examples that ran through the frozen prefix so far
  std::int64_t NativeBytes() const;

  /// Names of the tensors that the optimizer keeps beside each parameter, of its shape: "exp_avg"
  /// and "exp_avg_sq" of Adam, as PyTorch has them.
  std::vector<std::string> StateNames() const;
  /// One of them, of a parameter; empty if that does not train. Throws INVALID_ARGUMENT for an
  /// unknown path or name.
  std::vector<float> ReadState(std::string_view path, std::string_view name) const;

  /// Gives the network free for other uses. Once more does nothing.
  void Release();

 private:
  friend class TrainerState;

  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace espalier
