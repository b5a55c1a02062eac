// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/cpu.h"
#include "core/memory.h"
#include "core/thread_pool.h"
#include "espalier/features.h"
#include "espalier/inputs.h"
#include "espalier/trainer.h"
#include "network/input_pointers.h"
#include "network/network_state.h"
#include "training/feature_cache.h"
#include "training/gradient_projection.h"
#include "training/input_pieces.h"
#include "training/parameter_updates.h"
#include "training/shard_gradients.h"
#include "inference/plan_with_run.h"
#include "training/task_balance.h"
#include "training/training_plan.h"
#include "training/trainer_state.h"
#include "training/training_run.h"
#include "training/weight_average.h"

namespace espalier {

/// The training access to a network, from construction to End or destruction.
class TrainingAccess {
 public:
  explicit TrainingAccess(Access& access) : access_(&access) { access_->BeginTraining("train"); }
  ~TrainingAccess() { End(); }
  TrainingAccess(const TrainingAccess&) = delete;
  TrainingAccess& operator=(const TrainingAccess&) = delete;

  void End() noexcept;

  /// Ends; throws INVALID_STATE unless this is the thread that took access.
  void Release();

  /// Throws INVALID_STATE unless access is held and this is the thread that took it.
  void Check(const char* what) const;

 private:
  void CheckThread(const char* what) const;

  Access* access_;
  std::thread::id owner_ = std::this_thread::get_id();
};

class Trainer::Implementation {
 public:
  Implementation(std::shared_ptr<NetworkState> network, const TrainerConfig& config);

  const StepResult& Step(std::int64_t batch, const Inputs& inputs,
                         std::span<const TaskTargets> targets);
  const StepResult& StepCached(int slot, std::span<const std::int64_t> examples,
                               std::span<const TaskTargets> targets);
  std::span<const LossBatch> BeginStep(std::int64_t batch, const Inputs& inputs,
                                       std::span<const TaskTargets> targets);
  std::span<const LossBatch> BeginStepCached(int slot, std::span<const std::int64_t> examples,
                                             std::span<const TaskTargets> targets);
  const StepResult& FinishStep(std::span<const LossAnswer> answers);

  std::int64_t TargetCount() const;
  void CountLabelled(std::int64_t examples, std::span<const TaskTargets> targets,
                     std::span<std::int64_t> counts) const;
  std::int64_t GradientFloats() const;
  void ComputeGradients(const BatchTotals& whole, const Shard& shard, const Inputs& inputs,
                        std::span<const TaskTargets> targets, std::span<float> gradients);
  const StepResult& ApplyGradients(const BatchTotals& whole, std::span<const float> gradients);

  bool HasFrozenPrefix() const { return plan_.has_prefix(); }
  std::int64_t FeatureCount() const { return plan_.has_prefix() ? plan_.source_floats : 0; }
  bool ReserveFeatures(int slot, std::int64_t examples);
  void CacheFeatures(int slot, std::int64_t first, std::int64_t batch, const Inputs& inputs);
  std::string PrefixFingerprint() const;
  void ShareFeatures(int slot, const Features& features);
  void CacheFeatures(int slot, std::span<const std::int64_t> examples, const Inputs& inputs);

  void Evaluate(std::int64_t batch, const Inputs& inputs, std::span<float> logits);
  void EvaluateCached(int slot, std::span<const std::int64_t> examples, std::span<float> logits);

  void SaveBest();
  void RestoreBest();
  void SwapAverage();
  void ContinueFrom(const Implementation& earlier, std::int64_t steps);

  /// Memory of all that later steps depend on, beside the network's structure, the configuration
  /// and what is frozen. With `has_best`, room for the best parameters is made where there was
  /// none. Throws INVALID_STATE while averages are in the place of parameters.
  std::vector<StateTensor> State(bool has_best);
  bool has_best() const { return !best_.empty(); }
  /// To be called once State's memory was written; without `has_best`, there are none any more.
  void StateChanged(bool has_best);
  /// Parameters that no step changes.
  std::vector<int> Frozen() const;
  const NetworkState& network() const { return *network_; }

  std::int64_t steps() const { return steps_; }
  std::int64_t prefix_examples() const { return prefix_examples_; }
  std::int64_t NativeBytes() const;
  std::vector<std::string> StateNames() const;
  std::vector<float> ReadState(std::string_view path, std::string_view name) const;
  void Release() { access_.Release(); }

 private:
  void CheckUsable(const char* what) const;
  void CheckPrefix(const char* what) const;
  InputPointers CheckedInputs(const char* what, std::int64_t batch, const Inputs& inputs) const;
  void CheckStep(std::int64_t batch, std::span<const TaskTargets> targets) const;
  void CheckTotals(const BatchTotals& whole) const;
  void CheckGradientFloats(const char* what, std::size_t floats) const;

  /// While a call computes: as many threads as the trainer may have now, and no tiny floats.
  class Computing {
   public:
    explicit Computing(Implementation& trainer);

   private:
    FlushDenormals flush_;
    ThreadLimit limit_;
  };

  /// Of examples [first, first + batch) of the inputs.
  void FillSources(std::int64_t batch, InputPointers& inputs, std::int64_t first);
  /// Fills rows from inputs; example(i) is the i-th one's row.
  template <typename ExampleAt>
  void FillRows(FeatureRows& rows, std::int64_t batch, InputPointers inputs,
                const ExampleAt& example);
  void SetLengthsOf(int slot, std::span<const std::int64_t> examples);
  void GatherSources(int slot, std::span<const std::int64_t> examples);
  /// True if a step computes its batch more than once.
  bool Repeats() const { return balance_.LooksAgain() || balance_.Projects(); }
  void CheckRepeatsNothing() const;
  std::span<const LossBatch> Begin(std::int64_t batch, const Inputs& inputs,
                                   std::span<const TaskTargets> targets);
  std::span<const LossBatch> BeginCached(int slot, std::span<const std::int64_t> examples,
                                         std::span<const TaskTargets> targets);
  std::span<const LossBatch> BeginOnSources(std::int64_t batch,
                                            std::span<const TaskTargets> targets);
  /// FinishStep; `fill` fills the sources once more.
  template <typename Fill>
  const StepResult& Finish(std::span<const LossAnswer> answers,
                           std::span<const TaskTargets> targets, const Fill& fill);
  /// The begun step's forward pass and losses, into tasks_again_, on sources filled once more.
  void ForwardAgain(std::int64_t batch, std::span<const TaskTargets> targets);
  /// A backward pass for each task, one after the other.
  template <typename Fill>
  void BackwardByTask(std::int64_t batch, std::span<const TaskTargets> targets, const Fill& fill);
  std::span<const LossAnswer> ComputeOwnLosses();
  void CheckFiniteLosses() const;
  void CheckGradients(double norm) const;
  void CheckFiniteStatistics(std::int64_t batch) const;
  [[noreturn]] void FailStatistics(const GraphLayer& layer) const;
  [[noreturn]] void FailUpdate(const GraphParameter& parameter) const;

  void PrepareEvaluation();
  void CheckLogits(std::int64_t batch, std::span<const float> logits) const;

  std::shared_ptr<NetworkState> network_;
  TrainingAccess access_;
  TrainerConfig config_;
  std::uint64_t structure_version_;  // what the plan was made for
  std::vector<InputFormat> formats_;
  InputPieces pieces_;
  TrainingPlan plan_;
  ParameterUpdates updates_;
  TrainingRun run_;
  TaskBalance balance_;
  std::optional<GradientProjection> projection_;
  std::optional<ShardGradients> shards_;  // with data_parallel
  Workspace workspace_;
  std::optional<PlanWithRun> prefix_;
  std::vector<float*> sources_;
  std::vector<const float*> source_values_;  // the same, to read
  FeatureCache features_;
  AlignedArray<float> best_;
  std::optional<WeightAverage> average_;
  StepResult result_;
  std::vector<TaskLoss> tasks_again_;  // where a step computes its batch more than once

  // Of the step that was begun.
  std::int64_t begun_batch_ = 0;  // 0: none
  std::uint64_t begun_values_version_ = 0;
  std::vector<LossBatch> loss_batches_;  // of heads with own losses, in their order
  std::vector<LossAnswer> loss_answers_;

  std::int64_t steps_ = 0;
  std::int64_t prefix_examples_ = 0;

  // Evaluation with the parameters of a version; made when first needed.
  std::optional<PlanWithRun> evaluation_;
  std::uint64_t parameters_version_ = 1;  // moved by each update
  std::uint64_t evaluation_version_ = 0;
  std::uint64_t evaluation_values_version_ = 0;
};

/// What checkpoints see of a trainer.
class TrainerState {
 public:
  using Implementation = Trainer::Implementation;

  static Implementation& Of(Trainer& trainer);
};

}  // namespace espalier
