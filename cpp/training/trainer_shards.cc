// SPDX-License-Identifier: Apache-2.0

// Data-parallel steps of a trainer.

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/text.h"
#include "losses/loss.h"
#include "training/finite_inputs.h"
#include "training/labelled_counts.h"
#include "training/trainer_implementation.h"

namespace espalier {
namespace {

// Shards of a step draw other numbers; the first one those of a whole batch.
std::uint64_t SeedOf(std::uint64_t seed, const Shard& shard) {
  constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15;
  return seed + static_cast<std::uint64_t>(shard.first) * kGoldenRatio;
}

}  // namespace

std::int64_t Trainer::Implementation::TargetCount() const {
  std::int64_t count = 0;
  for (const GraphHead& head : network_->heads) count += TargetsOf(head);
  return count;
}

void Trainer::Implementation::CountLabelled(std::int64_t examples,
                                            std::span<const TaskTargets> targets,
                                            std::span<std::int64_t> counts) const {
  CheckUsable("count labelled");
  CheckStep(examples, targets);
  if (static_cast<std::int64_t>(counts.size()) != TargetCount()) {
    Fail(ErrorCode::kShapeMismatch, "count labelled: expected room for ", TargetCount(),
         " counts, got ", counts.size());
  }
  AddLabelled(network_->heads, examples, targets, counts);
}

std::int64_t Trainer::Implementation::GradientFloats() const {
  if (!shards_) {
    Fail(ErrorCode::kInvalidState, "gradients: expected a trainer with data_parallel, got another");
  }
  return shards_->floats();
}

void Trainer::Implementation::CheckGradientFloats(const char* what, std::size_t floats) const {
  if (static_cast<std::int64_t>(floats) != GradientFloats()) {
    Fail(ErrorCode::kShapeMismatch, what, ": expected ", GradientFloats(),
         " floats of gradients, got ", floats);
  }
}

void Trainer::Implementation::CheckTotals(const BatchTotals& whole) const {
  if (static_cast<std::int64_t>(whole.labelled.size()) != TargetCount()) {
    Fail(ErrorCode::kShapeMismatch, "batch: expected ", TargetCount(),
         " counts of labelled examples, got ", whole.labelled.size());
  }
  for (const std::int64_t labelled : whole.labelled) {
    if (whole.examples >= 1 && labelled >= 0 && labelled <= whole.examples) continue;
    Fail(ErrorCode::kInvalidArgument, "batch: expected at least one example, and 0 to all of ",
         whole.examples, " labelled, got ", labelled);
  }
}

void Trainer::Implementation::ComputeGradients(const BatchTotals& whole, const Shard& shard,
                                               const Inputs& inputs,
                                               std::span<const TaskTargets> targets,
                                               std::span<float> gradients) {
  CheckUsable("gradients");
  CheckGradientFloats("gradients", gradients.size());
  CheckStep(shard.examples, targets);
  CheckTotals(whole);
  if (shard.first < 0 || shard.examples > whole.examples ||
      shard.first > whole.examples - shard.examples) {
    Fail(ErrorCode::kInvalidArgument, "gradients: expected a shard of a batch of ", whole.examples,
         ", got ", shard.examples, " examples from ", shard.first);
  }
  std::vector<std::int64_t> own(whole.labelled.size());
  AddLabelled(network_->heads, shard.examples, targets, own);
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i] <= whole.labelled[i]) continue;
    Fail(ErrorCode::kInvalidArgument, "gradients: expected no more labelled examples in the shard ",
         "than the ", whole.labelled[i], " of the batch, got ", own[i], " for target ", i);
  }
  InputPointers pointers = CheckedInputs("gradients", shard.examples, inputs);
  CheckFiniteInputs(shard.examples, pointers);
  const Computing computing(*this);
  FillSources(shard.examples, pointers, 0);
  run_.Forward({.batch = shard.examples, .step = steps_, .seed = SeedOf(config_.seed, shard)},
               targets, workspace_);
  run_.ComputeLosses(shard.examples, targets, result_.tasks, &whole);
  CheckFiniteLosses();
  const bool has_gradients =
      std::ranges::any_of(own, [](std::int64_t labelled) { return labelled > 0; });
  if (has_gradients) {
    run_.Backward(shard.examples, workspace_);
    CheckFiniteStatistics(shard.examples);
  }
  shards_->Write(shard.examples, has_gradients,
                 static_cast<double>(shard.examples) / static_cast<double>(whole.examples),
                 result_.tasks, gradients);
}

const StepResult& Trainer::Implementation::ApplyGradients(const BatchTotals& whole,
                                                          std::span<const float> gradients) {
  CheckUsable("apply gradients");
  CheckGradientFloats("apply gradients", gradients.size());
  CheckTotals(whole);
  if (average_ && average_->is_swapped()) {
    Fail(ErrorCode::kInvalidState, "step: expected the parameters, got their averages in place");
  }
  const Computing computing(*this);
  begun_batch_ = 0;
  run_.SetReached(whole.labelled);
  shards_->ReadLosses(gradients, result_.tasks);
  CheckFiniteLosses();
  const std::int64_t* counts = whole.labelled.data();
  result_.loss = 0.0;
  std::int64_t labelled = 0;
  for (std::size_t i = 0; i < result_.tasks.size(); ++i) {
    TaskLoss& task = result_.tasks[i];
    const std::int64_t targets = TargetsOf(network_->heads[i]);
    task.labelled = std::reduce(counts, counts + targets);
    task.factor = 1.0;
    counts += targets;
    labelled += task.labelled;
    result_.loss += task.loss;
  }
  result_.learning_rate =
      LearningRate(config_.optimizer) * ScheduleFactor(config_.schedule, steps_);
  result_.gradient_norm = 0.0;
  if (labelled > 0) {
    shards_->ReadGradients(gradients);
    CheckGradients(updates_.GradientNormOfShards(workspace_));
    if (const GraphLayer* const layer = shards_->FirstNonFiniteStatistics(gradients)) {
      FailStatistics(*layer);
    }
    const ParameterUpdates::Applied applied =
        updates_.Apply(run_.reached(), result_.learning_rate, workspace_);
    if (applied.non_finite != nullptr) FailUpdate(*applied.non_finite);
    // From here on nothing can fail.
    shards_->ReadStatistics(gradients);
    result_.gradient_norm = applied.gradient_norm;
    ++parameters_version_;
  }
  if (average_) average_->Follow(workspace_);
  ++steps_;
  return result_;
}

}  // namespace espalier
