// SPDX-License-Identifier: Apache-2.0
#include "training/trainer_implementation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/checked.h"
#include "core/text.h"
#include "losses/loss.h"
#include "network/cost.h"
#include "training/finite_inputs.h"
#include "training/prefix_fingerprint.h"

namespace espalier {
namespace {

// A float's square stays finite up to 1.8e19.
constexpr double kMostSquared = 1e19;

constexpr const char* kAgainstDivergence =
    "; a lower learning rate, clipNorm or inputs scaled to about -1 to 1 may help";

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

// C libraries disagree about the sign and the letters of NaN.
std::string NumberText(double number) { return std::isnan(number) ? "NaN" : Concat(number); }

TrainingPlan MakePlan(const NetworkState& network, const TrainerConfig& config) {
  if (network.limits) CheckLimits(network, *network.limits, CostUse::kTraining);
  const bool are_apart =
      config.data_parallel || std::holds_alternative<ProjectedGradients>(config.balance);
  return CompileTrainingPlan(network, config.max_batch_size,
                             are_apart          ? LargeGradients::kApart
                             : config.clip_norm ? LargeGradients::kInArena
                                                : LargeGradients::kLate);
}

}  // namespace

void TrainingAccess::End() noexcept {
  if (access_ != nullptr) std::exchange(access_, nullptr)->EndTraining();
}

void TrainingAccess::Release() {
  CheckThread("release");
  End();
}

void TrainingAccess::Check(const char* what) const {
  if (access_ == nullptr) {
    Fail(ErrorCode::kInvalidState, what, ": expected a trainer that holds its network, got a ",
         "released one");
  }
  CheckThread(what);
}

void TrainingAccess::CheckThread(const char* what) const {
  if (owner_ != std::this_thread::get_id()) {
    Fail(ErrorCode::kInvalidState, what,
         ": expected the thread that made the trainer, got another one");
  }
}

Trainer::Implementation::Implementation(std::shared_ptr<NetworkState> network,
                                        const TrainerConfig& config)
    : network_(std::move(network)),
      access_(network_->access),
      config_(config),
      structure_version_(network_->structure_version.load()),
      formats_(InputFormats(*network_)),
      pieces_(config.max_batch_size),
      plan_(MakePlan(*network_, config)),
      updates_(*network_, plan_, config),
      run_(*network_, plan_, updates_, config.losses),
      balance_(*network_, config.balance),
      workspace_(ThreadPool::Shared().thread_count(), run_.scratch_floats()),
      features_(plan_.source_floats, config.feature_folder) {
  if (!updates_.HasParameters()) {
    Fail(ErrorCode::kInvalidState, "train: expected a layer to train, got ",
         network_->heads.empty() ? "a network without heads"
                                 : "none that leads to a head, has parameters and is not frozen");
  }
  for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
    sources_.push_back(run_.Source(i));
    source_values_.push_back(run_.Source(i));
  }
  if (plan_.has_prefix()) {
    prefix_.emplace(*network_, std::vector<int>{}, plan_.prefix_outputs, plan_.max_batch,
                    PlanOptions{.border = PlanBorder::kInside});
  }
  if (config.average_decay) average_.emplace(*network_, *config.average_decay);
  if (Repeats() && !config.losses.empty()) {
    Fail(ErrorCode::kInvalidArgument, "balance: expected no losses of the caller's own with FAMO ",
         "or PCGrad, which compute a batch more than once; got one for task '",
         config.losses.begin()->first, "'");
  }
  if (config.data_parallel) shards_.emplace(*network_, plan_, updates_, run_);
  if (balance_.Projects()) projection_.emplace(network_->heads.size(), updates_);
  result_.tasks.resize(network_->heads.size());
  tasks_again_.resize(network_->heads.size());
  loss_batches_.reserve(config.losses.size());
  loss_answers_.reserve(config.losses.size());
  run_.Prepare(workspace_);
}

void Trainer::Implementation::CheckUsable(const char* what) const {
  access_.Check(what);
  if (network_->structure_version.load() != structure_version_) {
    Fail(ErrorCode::kInvalidState, what, ": expected the layers that were frozen when the trainer ",
         "was made, but freezing, rates or a frozen parameter changed since");
  }
}

void Trainer::Implementation::CheckPrefix(const char* what) const {
  if (!plan_.has_prefix()) {
    Fail(ErrorCode::kInvalidState, what, ": expected a network with a frozen prefix, got none");
  }
}

InputPointers Trainer::Implementation::CheckedInputs(const char* what, std::int64_t batch,
                                                     const Inputs& inputs) const {
  if (batch < 1) {
    Fail(ErrorCode::kInvalidArgument, what, ": expected a batch of at least 1, got ", batch);
  }
  return {formats_, what, batch, inputs};
}

void Trainer::Implementation::CheckStep(std::int64_t batch,
                                        std::span<const TaskTargets> targets) const {
  if (average_ && average_->is_swapped()) {
    Fail(ErrorCode::kInvalidState, "step: expected the parameters, got their averages in place");
  }
  if (batch < 1 || batch > plan_.max_batch) {
    Fail(ErrorCode::kInvalidArgument, "step: expected a batch of 1 to ", plan_.max_batch, ", got ",
         batch);
  }
  if (targets.size() != network_->heads.size()) {
    Fail(ErrorCode::kShapeMismatch, "step: expected targets for ", network_->heads.size(),
         " heads, got ", targets.size());
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    CheckTargets(network_->heads[i].name, network_->heads[i].task, batch, targets[i]);
  }
}

Trainer::Implementation::Computing::Computing(Implementation& trainer)
    : limit_(trainer.config_.threads) {
  const int workers = ThreadPool::Shared().thread_count();
  if (workers == trainer.workspace_.workers()) return;
  trainer.workspace_ = Workspace(workers, trainer.run_.scratch_floats());
}

void Trainer::Implementation::FillSources(std::int64_t batch, InputPointers& pointers,
                                          std::int64_t first) {
  begun_batch_ = 0;
  const std::span<const float* const> inputs = pieces_.At(pointers, first, batch);
  run_.SetLengths(pieces_.lengths());
  if (prefix_) {
    prefix_->Run(batch, inputs, std::span(sources_).first(plan_.prefix_outputs.size()),
                 pieces_.lengths());
    prefix_examples_ += batch;
  }
  run_.SetInputs(batch, inputs, workspace_);
}

void Trainer::Implementation::GatherSources(int slot, std::span<const std::int64_t> examples) {
  begun_batch_ = 0;
  SetLengthsOf(slot, examples);
  std::int64_t first = 0;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const PlanSource& source = plan_.sources[i];
    features_.Rows(slot).Gather(examples, first, source.length.Cut(source.floats, run_.lengths()),
                                sources_[i]);
    first += source.floats;
  }
}

// Whatever layers read of a source whose length varies, one of them reads how many positions count:
// so that number is a source as well.
void Trainer::Implementation::SetLengthsOf(int slot, std::span<const std::int64_t> examples) {
  BatchLengths lengths;
  bool varies = false;
  for (const PlanSource& source : plan_.sources) {
    if (!source.length.varies()) continue;
    varies = true;
    std::int64_t first = 0;
    for (std::size_t i = 0; plan_.sources[i].value != source.length.input; ++i) {
      first += plan_.sources[i].floats;
    }
    std::int64_t most = 0;
    for (const std::int64_t example : examples) {
      const float count = features_.Rows(slot).Row(example)[first];
      most = std::max<std::int64_t>(most, std::bit_cast<std::int32_t>(count));
    }
    lengths.Set(source.length.input, most);
  }
  run_.SetLengths(varies ? &lengths : nullptr);
}

const StepResult& Trainer::Implementation::Step(std::int64_t batch, const Inputs& inputs,
                                                std::span<const TaskTargets> targets) {
  Begin(batch, inputs, targets);
  return Finish(ComputeOwnLosses(), targets, [&] {
    InputPointers pointers = CheckedInputs("step", batch, inputs);
    FillSources(batch, pointers, 0);
  });
}

const StepResult& Trainer::Implementation::StepCached(int slot,
                                                      std::span<const std::int64_t> examples,
                                                      std::span<const TaskTargets> targets) {
  BeginCached(slot, examples, targets);
  return Finish(ComputeOwnLosses(), targets, [&] { GatherSources(slot, examples); });
}

void Trainer::Implementation::CheckRepeatsNothing() const {
  if (Repeats()) {
    Fail(ErrorCode::kInvalidState,
         "begin step: expected a whole step, as FAMO and PCGrad compute a batch more than once");
  }
}

std::span<const LossBatch> Trainer::Implementation::BeginStep(
    std::int64_t batch, const Inputs& inputs, std::span<const TaskTargets> targets) {
  CheckRepeatsNothing();
  return Begin(batch, inputs, targets);
}

std::span<const LossBatch> Trainer::Implementation::BeginStepCached(
    int slot, std::span<const std::int64_t> examples, std::span<const TaskTargets> targets) {
  CheckRepeatsNothing();
  return BeginCached(slot, examples, targets);
}

std::span<const LossBatch> Trainer::Implementation::Begin(std::int64_t batch, const Inputs& inputs,
                                                          std::span<const TaskTargets> targets) {
  CheckUsable("step");
  CheckStep(batch, targets);
  InputPointers pointers = CheckedInputs("step", batch, inputs);
  CheckFiniteInputs(batch, pointers);
  const Computing computing(*this);
  FillSources(batch, pointers, 0);
  return BeginOnSources(batch, targets);
}

std::span<const LossBatch> Trainer::Implementation::BeginCached(
    int slot, std::span<const std::int64_t> examples, std::span<const TaskTargets> targets) {
  CheckUsable("step");
  CheckPrefix("step");
  const auto batch = static_cast<std::int64_t>(examples.size());
  CheckStep(batch, targets);
  features_.Rows(slot).CheckFilled(examples);
  const std::int64_t row = features_.Rows(slot).FirstNonFinite(examples);
  if (row >= 0) {
    Fail(ErrorCode::kNonFinite, "inputs: expected finite values, got another in row ", row,
         ", example ", examples[Index(row)]);
  }
  const Computing computing(*this);
  GatherSources(slot, examples);
  return BeginOnSources(batch, targets);
}

std::span<const LossBatch> Trainer::Implementation::BeginOnSources(
    std::int64_t batch, std::span<const TaskTargets> targets) {
  run_.Forward({.batch = batch, .step = steps_, .seed = config_.seed}, targets, workspace_);
  run_.ComputeLosses(batch, targets, result_.tasks);
  begun_batch_ = batch;
  begun_values_version_ = network_->values_version.load();
  loss_batches_.clear();
  for (const OwnLoss& loss : run_.own_losses()) loss_batches_.push_back(loss.batch());
  return loss_batches_;
}

// Out of the reach of FlushDenormals, which is not the caller's.
std::span<const LossAnswer> Trainer::Implementation::ComputeOwnLosses() {
  loss_answers_.clear();
  for (OwnLoss& own_loss : run_.own_losses()) {
    const Loss* const loss = config_.losses.at(own_loss.name()).get();
    if (loss == nullptr) {
      Fail(ErrorCode::kInvalidState, "step: expected a loss for task '", own_loss.name(),
           "', got none; with BeginStep and FinishStep, the caller computes it");
    }
    loss_answers_.push_back(own_loss.Compute(*loss));
  }
  return loss_answers_;
}

const StepResult& Trainer::Implementation::FinishStep(std::span<const LossAnswer> answers) {
  return Finish(answers, {}, [] {});
}

template <typename Fill>
const StepResult& Trainer::Implementation::Finish(std::span<const LossAnswer> answers,
                                                  std::span<const TaskTargets> targets,
                                                  const Fill& fill) {
  CheckUsable("step");
  const std::int64_t batch = std::exchange(begun_batch_, 0);
  if (batch == 0) {
    Fail(ErrorCode::kInvalidState, "finish step: expected a step that was begun, got none");
  }
  if (network_->values_version.load() != begun_values_version_) {
    Fail(ErrorCode::kInvalidState,
         "finish step: expected the parameters that the step began with, ",
         "but they were written since");
  }
  if (answers.size() != loss_batches_.size()) {
    Fail(ErrorCode::kInvalidArgument, "finish step: expected the answers of ", loss_batches_.size(),
         " losses, got ", answers.size());
  }
  const Computing computing(*this);
  run_.AcceptLosses(answers, result_.tasks);
  CheckFiniteLosses();
  balance_.Weigh(batch, run_.reached().columns, result_.tasks);

  result_.loss = 0.0;
  std::int64_t labelled = 0;
  for (const TaskLoss& task : result_.tasks) {
    result_.loss += task.loss;
    labelled += task.labelled;
  }
  result_.learning_rate =
      LearningRate(config_.optimizer) * ScheduleFactor(config_.schedule, steps_);
  result_.gradient_norm = 0.0;
  if (labelled > 0) {
    if (balance_.Projects()) {
      BackwardByTask(batch, targets, fill);
    } else {
      if (!balance_.IsPlain()) run_.ScaleGradients(batch, result_.tasks);
      run_.Backward(batch, workspace_);
    }
    CheckGradients(updates_.GradientNorm(batch, workspace_));
    CheckFiniteStatistics(batch);
    const ParameterUpdates::Applied applied =
        updates_.Apply(run_.reached(), result_.learning_rate, workspace_);
    if (applied.non_finite != nullptr) FailUpdate(*applied.non_finite);
    // From here on nothing can fail.
    run_.UpdateBuffers(batch);
    balance_.Follow();
    result_.gradient_norm = applied.gradient_norm;
    ++parameters_version_;
  }
  if (average_) average_->Follow(workspace_);
  if (balance_.LooksAgain() && labelled > 0) {
    fill();
    ForwardAgain(batch, targets);
    balance_.FollowAgain(batch, run_.reached().columns, tasks_again_);
  }
  ++steps_;
  return result_;
}

template <typename Fill>
void Trainer::Implementation::BackwardByTask(std::int64_t batch,
                                             std::span<const TaskTargets> targets,
                                             const Fill& fill) {
  const auto takes_part = [&](std::size_t head) {
    return result_.tasks[head].labelled > 0 && network_->heads[head].task.weight > 0.0;
  };
  std::vector<char> heads;
  for (std::size_t i = 0; i < result_.tasks.size(); ++i) heads.push_back(takes_part(i) ? 1 : 0);
  const auto tasks = std::ranges::count(heads, char{1});
  projection_->Begin();
  for (std::size_t head = 0; tasks > 1 && head < heads.size(); ++head) {
    if (heads[head] == 0) continue;
    if (projection_->tasks() > 0) {  // the passes of the task before have used up the buffers
      fill();
      ForwardAgain(batch, targets);
    }
    for (std::size_t i = 0; i < heads.size(); ++i) tasks_again_[i].factor = i == head ? 1.0 : 0.0;
    run_.ScaleGradients(batch, tasks_again_);
    run_.Backward(batch, workspace_);
    projection_->Keep(network_->heads[head].name);
  }
  if (tasks <= 1) {
    run_.Backward(batch, workspace_);
    return;
  }
  std::vector<int> heads_on(plan_.nodes.size());
  run_.CountHeads(heads, heads_on);
  auto factor = projection_->Combine(heads_on, config_.seed, steps_, workspace_).begin();
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (heads[i] != 0) result_.tasks[i].factor = *factor++;
  }
}

void Trainer::Implementation::ForwardAgain(std::int64_t batch,
                                           std::span<const TaskTargets> targets) {
  run_.Forward({.batch = batch, .step = steps_, .seed = config_.seed}, targets, workspace_);
  run_.ComputeLosses(batch, targets, tasks_again_);
}

void Trainer::Implementation::CheckFiniteLosses() const {
  for (std::size_t i = 0; i < result_.tasks.size(); ++i) {
    if (std::isfinite(result_.tasks[i].loss)) continue;
    Fail(ErrorCode::kNonFinite, "loss of task '", network_->heads[i].name, "' at step ", steps_ + 1,
         ": expected a finite value, got ", NumberText(result_.tasks[i].loss), kAgainstDivergence);
  }
}

void Trainer::Implementation::CheckGradients(double norm) const {
  constexpr double kUnlimited = std::numeric_limits<double>::infinity();
  // No element exceeds any of these. An infinite moment would silence its parameter for good.
  const double most = std::min(
      {norm, config_.clip_norm.value_or(kUnlimited), config_.clip_value.value_or(kUnlimited)});
  const bool is_finite = std::isfinite(norm);
  if (is_finite && (most < kMostSquared || !updates_.KeepsSquares())) return;
  std::vector<std::string> tasks;
  for (std::size_t i = 0; i < result_.tasks.size(); ++i) {
    if (result_.tasks[i].labelled > 0) tasks.push_back("'" + network_->heads[i].name + "'");
  }
  Fail(ErrorCode::kNonFinite, "gradient of task ", Join(tasks, ", "), " at step ", steps_ + 1,
       ": expected ", is_finite ? "values whose squares are finite" : "finite values",
       ", got a norm of ", NumberText(norm), kAgainstDivergence);
}

void Trainer::Implementation::FailUpdate(const GraphParameter& parameter) const {
  Fail(ErrorCode::kNonFinite, "update of '", parameter.path, "' at step ", steps_ + 1,
       ": expected finite values, got others with the learning rate ", result_.learning_rate,
       kAgainstDivergence);
}

void Trainer::Implementation::CheckFiniteStatistics(std::int64_t batch) const {
  const GraphLayer* const layer = run_.FirstNonFiniteStatistics(batch);
  if (layer != nullptr) FailStatistics(*layer);
}

void Trainer::Implementation::FailStatistics(const GraphLayer& layer) const {
  Fail(ErrorCode::kNonFinite, "statistics of layer '", layer.name, "' at step ", steps_ + 1,
       ": expected a finite mean and variance of each channel, got others");
}

bool Trainer::Implementation::ReserveFeatures(int slot, std::int64_t examples) {
  CheckUsable("reserve features");
  CheckPrefix("reserve features");
  features_.Reserve(slot, examples);
  return features_.Rows(slot).IsInFile();
}

void Trainer::Implementation::CacheFeatures(int slot, std::int64_t first, std::int64_t batch,
                                            const Inputs& inputs) {
  CheckUsable("cache features");
  CheckPrefix("cache features");
  const InputPointers pointers = CheckedInputs("cache features", batch, inputs);
  FeatureRows& rows = features_.Rows(slot);
  rows.CheckRange(first, batch);
  FillRows(rows, batch, pointers, [first](std::int64_t i) { return first + i; });
}

std::string Trainer::Implementation::PrefixFingerprint() const {
  CheckUsable("fingerprint");
  CheckPrefix("fingerprint");
  return FingerprintPrefix(*network_, plan_);
}

void Trainer::Implementation::ShareFeatures(int slot, const Features& features) {
  features_.Share(slot, features.RowsOf(PrefixFingerprint()));
}

void Trainer::Implementation::CacheFeatures(int slot, std::span<const std::int64_t> examples,
                                            const Inputs& inputs) {
  CheckUsable("cache features");
  CheckPrefix("cache features");
  const auto batch = static_cast<std::int64_t>(examples.size());
  const InputPointers pointers = CheckedInputs("cache features", batch, inputs);
  FeatureRows& rows = features_.Rows(slot);
  rows.CheckRoom(examples);
  FillRows(rows, batch, pointers, [&](std::int64_t i) { return examples[Index(i)]; });
}

template <typename ExampleAt>
void Trainer::Implementation::FillRows(FeatureRows& rows, std::int64_t batch, InputPointers inputs,
                                       const ExampleAt& example) {
  const Computing computing(*this);
  for (std::int64_t done = 0; done < batch; done += plan_.max_batch) {
    const std::int64_t piece = std::min(plan_.max_batch, batch - done);
    FillSources(piece, inputs, done);
    for (std::int64_t row = 0; row < piece; ++row) {
      float* to = rows.Row(example(done + row));
      for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
        const PlanSource& source = plan_.sources[i];
        const std::int64_t floats = source.length.Cut(source.floats, run_.lengths());
        to = std::copy_n(source_values_[i] + row * floats, floats, to);
        to = std::fill_n(to, source.floats - floats, 0.0f);
      }
      rows.MarkFilled(example(done + row), IsFiniteExample(done + row, inputs));
    }
  }
}

void Trainer::Implementation::PrepareEvaluation() {
  const std::uint64_t values_version = network_->values_version.load();
  if (evaluation_ && evaluation_version_ == parameters_version_ &&
      evaluation_values_version_ == values_version) {
    return;
  }
  std::vector<int> inputs;
  if (plan_.has_prefix()) {
    for (const PlanSource& source : plan_.sources) inputs.push_back(source.value);
  }
  std::vector<int> outputs;
  for (const GraphHead& head : network_->heads) {
    outputs.push_back(network_->logits(head));
  }
  evaluation_.reset();  // its memory is free for the new one
  evaluation_.emplace(
      *network_, std::move(inputs), std::move(outputs), plan_.max_batch,
      PlanOptions{.border = PlanBorder::kInside, .outputs = PlanOutputs::kSideBySide});
  evaluation_version_ = parameters_version_;
  evaluation_values_version_ = values_version;
}

void Trainer::Implementation::CheckLogits(std::int64_t batch, std::span<const float> logits) const {
  const std::int64_t width = network_->total_width();
  if (static_cast<std::int64_t>(logits.size()) != batch * width) {
    Fail(ErrorCode::kShapeMismatch, "evaluate: expected room for logits [", batch, ", ", width,
         "], got ", logits.size(), " floats");
  }
}

void Trainer::Implementation::Evaluate(std::int64_t batch, const Inputs& inputs,
                                       std::span<float> logits) {
  CheckUsable("evaluate");
  InputPointers pointers = CheckedInputs("evaluate", batch, inputs);
  CheckLogits(batch, logits);
  const Computing computing(*this);
  PrepareEvaluation();
  for (std::int64_t done = 0; done < batch; done += plan_.max_batch) {
    const std::int64_t piece = std::min(plan_.max_batch, batch - done);
    float* const rows = logits.data() + done * network_->total_width();
    if (prefix_) {
      FillSources(piece, pointers, done);
      evaluation_->Run(piece, source_values_, {&rows, 1}, run_.lengths());
    } else {
      const std::span<const float* const> raw = pieces_.At(pointers, done, piece);
      evaluation_->Run(piece, raw, {&rows, 1}, pieces_.lengths());
    }
  }
}

void Trainer::Implementation::EvaluateCached(int slot, std::span<const std::int64_t> examples,
                                             std::span<float> logits) {
  CheckUsable("evaluate");
  CheckPrefix("evaluate");
  features_.Rows(slot).CheckFilled(examples);
  const auto batch = static_cast<std::int64_t>(examples.size());
  CheckLogits(batch, logits);
  const Computing computing(*this);
  PrepareEvaluation();
  for (std::int64_t done = 0; done < batch; done += plan_.max_batch) {
    const std::int64_t piece = std::min(plan_.max_batch, batch - done);
    GatherSources(slot, examples.subspan(Index(done), Index(piece)));
    float* const rows = logits.data() + done * network_->total_width();
    evaluation_->Run(piece, source_values_, {&rows, 1}, run_.lengths());
  }
}

void Trainer::Implementation::SwapAverage() {
  CheckUsable("swap average");
  if (!average_) {
    Fail(ErrorCode::kInvalidState, "swap average: expected an average_decay, got none");
  }
  begun_batch_ = 0;
  average_->Swap();
  updates_.ForgetBounds();
  ++parameters_version_;
}

std::int64_t Trainer::Implementation::NativeBytes() const {
  return run_.NativeBytes() + updates_.NativeBytes() + workspace_.NativeBytes() +
         features_.NativeBytes() + pieces_.NativeBytes() + best_.bytes() +
         (average_ ? average_->NativeBytes() : 0) + (projection_ ? projection_->NativeBytes() : 0) +
         (prefix_ ? prefix_->NativeBytes() : 0) + (evaluation_ ? evaluation_->NativeBytes() : 0);
}

}  // namespace espalier
