// SPDX-License-Identifier: Apache-2.0
#include "espalier/trainer.h"

#include <cmath>
#include <utility>

#include "core/text.h"
#include "core/thread_pool.h"
#include "optimizers/update.h"
#include "training/trainer_implementation.h"

namespace espalier {
namespace {

constexpr std::int64_t kMaxBatchSize = std::int64_t{1} << 20;

void CheckClip(const char* name, const std::optional<double>& limit) {
  if (!limit) return;
  const auto value = static_cast<float>(*limit);
  if (!(value > 0.0f) || !std::isfinite(value)) {
    Fail(ErrorCode::kInvalidArgument, name, ": expected a finite number above 0, got ", *limit);
  }
}

void CheckConfig(const TrainerConfig& config) {
  CheckOptimizer(config.optimizer);
  ScheduleFactor(config.schedule, 0);
  if (config.max_batch_size < 1 || config.max_batch_size > kMaxBatchSize) {
    Fail(ErrorCode::kInvalidArgument, "max_batch_size: expected 1 to ", kMaxBatchSize, ", got ",
         config.max_batch_size);
  }
  CheckBalance(config.balance);
  if (config.data_parallel &&
      (!config.losses.empty() || !std::holds_alternative<PlainWeights>(config.balance))) {
    Fail(ErrorCode::kInvalidArgument, "data_parallel: expected ",
         config.losses.empty() ? "tasks with weights of their own alone, got a balance"
                               : "no losses of the caller's own, got one");
  }
  CheckClip("clip_value", config.clip_value);
  CheckClip("clip_norm", config.clip_norm);
  if (config.threads < 0 || config.threads > ThreadPool::kMaxThreads) {
    Fail(ErrorCode::kInvalidArgument, "threads: expected 0 to ", ThreadPool::kMaxThreads, ", got ",
         config.threads);
  }
  if (!(config.layer_decay > 0.0 && config.layer_decay <= 1.0)) {
    Fail(ErrorCode::kInvalidArgument, "layer_decay: expected a number in (0, 1], got ",
         config.layer_decay);
  }
  if (!(config.start_decay >= 0.0 && std::isfinite(config.start_decay))) {
    Fail(ErrorCode::kInvalidArgument, "start_decay: expected a finite number of at least 0, got ",
         config.start_decay);
  }
  if (config.average_decay && !(*config.average_decay >= 0.0 && *config.average_decay < 1.0)) {
    Fail(ErrorCode::kInvalidArgument, "average_decay: expected a number in [0, 1), got ",
         *config.average_decay);
  }
}

template <typename Pointer>
auto& Live(const Pointer& implementation) {
  if (implementation == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a trainer, got one that was moved from");
  }
  return *implementation;
}

}  // namespace

Trainer::Implementation& TrainerState::Of(Trainer& trainer) {
  return Live(trainer.implementation_);
}

Trainer::Trainer(Network& network, const TrainerConfig& config) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "train: expected a network, got one that was moved from");
  }
  CheckConfig(config);
  const ThreadLimit limit(config.threads);
  implementation_ = std::make_unique<Implementation>(network.state(), config);
}

Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

const StepResult& Trainer::Step(std::int64_t batch, const Inputs& inputs,
                                std::span<const TaskTargets> targets) {
  return Live(implementation_).Step(batch, inputs, targets);
}

std::span<const LossBatch> Trainer::BeginStep(std::int64_t batch, const Inputs& inputs,
                                              std::span<const TaskTargets> targets) {
  return Live(implementation_).BeginStep(batch, inputs, targets);
}

const StepResult& Trainer::FinishStep(std::span<const LossAnswer> answers) {
  return Live(implementation_).FinishStep(answers);
}

std::int64_t Trainer::TargetCount() const { return Live(implementation_).TargetCount(); }

void Trainer::CountLabelled(std::int64_t examples, std::span<const TaskTargets> targets,
                            std::span<std::int64_t> counts) const {
  Live(implementation_).CountLabelled(examples, targets, counts);
}

std::int64_t Trainer::GradientFloats() const { return Live(implementation_).GradientFloats(); }

void Trainer::ComputeGradients(const BatchTotals& whole, const Shard& shard, const Inputs& inputs,
                               std::span<const TaskTargets> targets, std::span<float> gradients) {
  Live(implementation_).ComputeGradients(whole, shard, inputs, targets, gradients);
}

const StepResult& Trainer::ApplyGradients(const BatchTotals& whole,
                                          std::span<const float> gradients) {
  return Live(implementation_).ApplyGradients(whole, gradients);
}

bool Trainer::HasFrozenPrefix() const { return Live(implementation_).HasFrozenPrefix(); }

std::int64_t Trainer::FeatureCount() const { return Live(implementation_).FeatureCount(); }

bool Trainer::ReserveFeatures(int slot, std::int64_t examples) {
  return Live(implementation_).ReserveFeatures(slot, examples);
}

void Trainer::CacheFeatures(int slot, std::int64_t first, std::int64_t batch,
                            const Inputs& inputs) {
  Live(implementation_).CacheFeatures(slot, first, batch, inputs);
}

std::string Trainer::PrefixFingerprint() const { return Live(implementation_).PrefixFingerprint(); }

void Trainer::ShareFeatures(int slot, const Features& features) {
  Live(implementation_).ShareFeatures(slot, features);
}

void Trainer::CacheFeatures(int slot, std::span<const std::int64_t> examples,
                            const Inputs& inputs) {
  Live(implementation_).CacheFeatures(slot, examples, inputs);
}

const StepResult& Trainer::StepCached(int slot, std::span<const std::int64_t> examples,
                                      std::span<const TaskTargets> targets) {
  return Live(implementation_).StepCached(slot, examples, targets);
}

std::span<const LossBatch> Trainer::BeginStepCached(int slot,
                                                    std::span<const std::int64_t> examples,
                                                    std::span<const TaskTargets> targets) {
  return Live(implementation_).BeginStepCached(slot, examples, targets);
}

void Trainer::Evaluate(std::int64_t batch, const Inputs& inputs, std::span<float> logits) {
  Live(implementation_).Evaluate(batch, inputs, logits);
}

void Trainer::EvaluateCached(int slot, std::span<const std::int64_t> examples,
                             std::span<float> logits) {
  Live(implementation_).EvaluateCached(slot, examples, logits);
}

void Trainer::SaveBest() { Live(implementation_).SaveBest(); }

void Trainer::RestoreBest() { Live(implementation_).RestoreBest(); }

void Trainer::SwapAverage() { Live(implementation_).SwapAverage(); }

void Trainer::ContinueFrom(const Trainer& earlier, std::int64_t steps) {
  Live(implementation_).ContinueFrom(Live(earlier.implementation_), steps);
}

std::int64_t Trainer::steps() const { return Live(implementation_).steps(); }

std::int64_t Trainer::prefix_examples() const { return Live(implementation_).prefix_examples(); }

std::int64_t Trainer::NativeBytes() const { return Live(implementation_).NativeBytes(); }

std::vector<std::string> Trainer::StateNames() const { return Live(implementation_).StateNames(); }

std::vector<float> Trainer::ReadState(std::string_view path, std::string_view name) const {
  return Live(implementation_).ReadState(path, name);
}

void Trainer::Release() { Live(implementation_).Release(); }

}  // namespace espalier
