// SPDX-License-Identifier: Apache-2.0
#include "training/task_balance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/thread_pool.h"
#include "espalier/trainer.h"
#include "testing/messages.h"
#include "testing/own_losses.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"
#include "training/trainer_implementation.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::MessageOf;
using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::RelativeNorm;
using testing::StateOf;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 16;
constexpr std::size_t kHeads = 3;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
const std::vector<std::string> kNone;

const std::vector<BalanceConfig>& Rules() {
  static const std::vector<BalanceConfig> all = {
      UncertaintyWeights{.learning_rate = 0.1}, InverseLossWeights{.temperature = 0.5},
      FamoWeights{.learning_rate = 0.1}, ProjectedGradients{}};
  return all;
}

std::string NameOf(const BalanceConfig& rule) {
  return std::visit([](const auto& of) { return std::string(of.kKind); }, rule);
}

TrainerConfig ConfigOf(const BalanceConfig& rule) {
  return {.optimizer = AdamW{.learning_rate = 0.01}, .max_batch_size = kBatch, .balance = rule};
}

std::vector<TaskTargets> Only(std::vector<TaskTargets> targets, const std::vector<bool>& labelled) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!labelled[i]) targets[i] = {};
  }
  return targets;
}

// The step's targets: of all heads, or in some steps of some.
std::vector<bool> LabelledAt(int step) { return {step % 3 != 1, step % 4 != 2, step % 2 == 0}; }

const StepResult& Step(Trainer& trainer, const RandomExamples& examples, int step,
                       const std::vector<bool>& labelled) {
  const std::int64_t first = step * kBatch % (examples.size() - kBatch + 1);
  return trainer.Step(kBatch, examples.Inputs(first, kBatch),
                      Only(examples.Targets(first, kBatch), labelled));
}

// The state of the balance, by name.
NamedValues BalanceOf(Trainer& trainer) {
  NamedValues values;
  for (const StateTensor& tensor : TrainerState::Of(trainer).State(false)) {
    if (!tensor.name.starts_with("balance")) continue;
    std::vector<float>& of = values[tensor.name];
    of.assign(tensor.floats.begin(), tensor.floats.end());
    of.insert(of.end(), tensor.counts.begin(), tensor.counts.end());
  }
  return values;
}

// Both networks have the heads that are labelled; one has another besides.
TEST(TaskBalance, AHeadThatIsNotLabelledChangesNothing) {
  for (const BalanceConfig& rule : Rules()) {
    Network network = ThreeHeads().Build(5);
    TransferSpec without;
    without.drop_heads = {"sizes"};
    Network fewer = network.Transfer(without, 1);
    const RandomExamples examples(network, 100, 3);
    Trainer trainer(network, ConfigOf(rule));
    Trainer other(fewer, ConfigOf(rule));
    const NamedValues before = ParametersOf(network);
    for (int step = 0; step < 8; ++step) {
      const std::vector<bool> labelled = LabelledAt(step);
      const auto all = Step(trainer, examples, step, {labelled[0], labelled[1], false}).tasks;
      const std::int64_t first = step * kBatch % (examples.size() - kBatch + 1);
      std::vector<TaskTargets> targets = Only(examples.Targets(first, kBatch), labelled);
      targets.pop_back();
      const auto two = other.Step(kBatch, examples.Inputs(first, kBatch), targets).tasks;
      for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(all[i].factor, two[i].factor);
      EXPECT_EQ(all[2].factor, 1.0);
    }
    NamedValues got = ParametersOf(network);
    NamedValues expected = ParametersOf(fewer);
    for (const auto& [path, values] : before) {
      if (expected.contains(path)) continue;
      EXPECT_EQ(got.at(path), values) << NameOf(rule) << " " << path;
      got.erase(path);
    }
    EXPECT_EQ(Differences(got, expected), kNone) << NameOf(rule);
    for (auto& [name, values] : BalanceOf(trainer)) {
      const std::vector<float> own(values.begin(), values.end() - 1);
      EXPECT_EQ(own, BalanceOf(other).at(name)) << NameOf(rule) << " " << name;
      EXPECT_EQ(values.back(), 0.0f) << NameOf(rule) << " " << name;
    }
  }
}

// Its state matters to no other.
TEST(TaskBalance, NothingIsReadOfAHeadThatIsNotLabelled) {
  for (const BalanceConfig& rule : Rules()) {
    std::vector<NamedValues> parameters;
    std::vector<NamedValues> states;
    for (const float state : {0.0f, 3.0f}) {
      Network network = ThreeHeads().Build(5);
      const RandomExamples examples(network, 100, 3);
      Trainer trainer(network, ConfigOf(rule));
      for (const StateTensor& tensor : TrainerState::Of(trainer).State(false)) {
        if (!tensor.name.starts_with("balance")) continue;
        if (!tensor.floats.empty()) tensor.floats[1] = state;
        if (!tensor.counts.empty()) tensor.counts[1] = static_cast<std::int64_t>(state);
      }
      for (int step = 0; step < 4; ++step) Step(trainer, examples, step, {true, false, true});
      parameters.push_back(ParametersOf(network));
      states.push_back(BalanceOf(trainer));
      for (auto& [name, values] : states.back()) {
        EXPECT_EQ(values[1], state) << NameOf(rule) << " " << name;
        values[1] = 0.0f;
      }
    }
    EXPECT_EQ(Differences(parameters[0], parameters[1]), kNone) << NameOf(rule);
    EXPECT_EQ(Differences(states[0], states[1]), kNone) << NameOf(rule);
  }
}

// What a step subtracts from the parameters at a rate of 64.
NamedValues Gradients(const Network& network, const RandomExamples& examples,
                      const std::vector<bool>& labelled, const BalanceConfig& rule,
                      std::vector<double>* factors = nullptr) {
  Network trained = network.Clone();
  Trainer trainer(
      trained,
      {.optimizer = Sgd{.learning_rate = 64.0}, .max_batch_size = kBatch, .balance = rule});
  const StepResult& result = Step(trainer, examples, 0, labelled);
  if (factors != nullptr) {
    for (const TaskLoss& task : result.tasks) factors->push_back(task.factor);
  }
  NamedValues gradients;
  const NamedValues before = ParametersOf(network);
  for (auto& [path, values] : ParametersOf(trained)) {
    if (path.find("running") != std::string::npos) continue;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = before.at(path)[i] - values[i];
    gradients[path] = values;
  }
  return gradients;
}

void ExpectWeightedSums(const Network& network, const RandomExamples& examples,
                        const BalanceConfig& rule) {
  const std::size_t heads = network.Spec().heads.size();
  std::vector<double> factors;
  const NamedValues sums =
      Gradients(network, examples, std::vector<bool>(heads, true), rule, &factors);
  NamedValues expected;
  for (std::size_t head = 0; head < heads; ++head) {
    std::vector<bool> one(heads, false);
    one[head] = true;
    for (const auto& [path, values] : Gradients(network, examples, one, PlainWeights{})) {
      std::vector<float>& sum = expected[path];
      sum.resize(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        sum[i] += static_cast<float>(factors[head]) * values[i];
      }
    }
    EXPECT_NE(factors[head], 1.0) << NameOf(rule);
  }
  for (const auto& [path, values] : sums) {
    EXPECT_LE(RelativeNorm(values, expected.at(path)), 2e-5) << NameOf(rule) << " " << path;
  }
}

const std::vector<BalanceConfig>& RulesOfTheFirstStep() {
  static const std::vector<BalanceConfig> all = {InverseLossWeights{.temperature = 3.0},
                                                 FamoWeights{}};
  return all;
}

TEST(TaskBalance, GradientsAreTheWeightedSumsOfTheTasks) {
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, 40, 3);
  for (const BalanceConfig& rule : RulesOfTheFirstStep()) {
    ExpectWeightedSums(network, examples, rule);
  }
}

// So few are labelled that their logits and gradients alone are computed.
TEST(TaskBalance, GradientsOfListedEntriesAreWeightedToo) {
  std::vector<std::string> labels;
  for (int i = 0; i < 90; ++i) labels.push_back("l" + std::to_string(i));
  Network network = NetworkBuilder(Shape::Vector(24))
                        .Dense("features", 40)
                        .Head("wide", LabelsTask(labels))
                        .Head("kind", ClassesTask(30))
                        .Build(2);
  const RandomExamples examples(network, 40, 3, /*unlabelled=*/0.9);
  for (const BalanceConfig& rule : RulesOfTheFirstStep()) {
    ExpectWeightedSums(network, examples, rule);
  }
}

TEST(TaskBalance, FactorsFollowTheMeanLossOfLabelledEntries) {
  for (const LossNormalization normalization :
       {LossNormalization::kExamples, LossNormalization::kLabelledEntries,
        LossNormalization::kPerLabel}) {
    TaskSpec signs = LabelsTask({"a", "b", "c"});
    signs.normalization = normalization;
    signs.weight = 3.0;
    // Weights of 0 say yes and no alike: each loss of `signs` is log 2, whatever is labelled.
    Network network = NetworkBuilder(Shape::Vector(2))
                          .Head("signs", signs)
                          .Head("size", ValuesTask({"size"}))
                          .Build(1);
    for (const ParameterDescription& parameter : network.Parameters()) {
      const auto count = static_cast<std::size_t>(parameter.shape.element_count());
      network.WriteParameter(parameter.path, std::vector<float>(count));
    }
    const std::vector<float> inputs = {1, 2, 3, 4};
    const std::vector<float> yes_and_no = {1, kNaN, 0, kNaN, kNaN, 1};
    const std::vector<float> sizes = {2, kNaN};  // a squared error of 4
    const std::vector<TaskTargets> targets = {{.values = yes_and_no}, {.values = sizes}};
    Trainer trainer(network, {.balance = InverseLossWeights{.temperature = 2.0}});
    const auto tasks = trainer.Step(2, inputs, targets).tasks;
    const double first = std::exp(1.0 / (2.0 * std::log(2.0)));
    const double second = std::exp(1.0 / (2.0 * 4.0));
    EXPECT_NEAR(tasks[0].factor, 2.0 * first / (first + second), 1e-6);
    EXPECT_NEAR(tasks[1].factor, 2.0 * second / (first + second), 1e-6);
  }
}

TEST(TaskBalance, OneTaskIsTrainedAsWithPlainWeights) {
  for (const BalanceConfig& rule : {Rules()[1], Rules()[2], Rules()[3]}) {
    Network network = testing::OneHead().Build(5);
    Network plain = network.Clone();
    const RandomExamples examples(network, 100, 3);
    Trainer trainer(network, ConfigOf(rule));
    Trainer usual(plain, ConfigOf(PlainWeights{}));
    for (int step = 0; step < 6; ++step) {
      EXPECT_EQ(Step(trainer, examples, step, {true}).tasks[0].factor, 1.0);
      Step(usual, examples, step, {true});
    }
    EXPECT_EQ(Differences(ParametersOf(network), ParametersOf(plain)), kNone) << NameOf(rule);
  }
}

TEST(TaskBalance, GivesTheSameBitsForAnyNumberOfThreadsAndFromCachedFeatures) {
  const int threads = ThreadPool::Shared().thread_count();
  for (const BalanceConfig& rule : Rules()) {
    NamedValues expected;
    for (const int workers : {1, 3}) {
      for (const bool is_cached : {false, true}) {
        ThreadPool::Shared().SetThreadCount(workers);
        Network network = ThreeHeads().Build(5);
        network.Freeze({.pattern = "conv2", .through = true});
        const RandomExamples examples(network, kBatch, 3);
        Trainer trainer(network, ConfigOf(rule));
        std::vector<std::int64_t> order(kBatch);
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
        if (is_cached) {
          trainer.ReserveFeatures(0, kBatch);
          trainer.CacheFeatures(0, 0, kBatch, examples.Inputs(0, kBatch));
        }
        for (int step = 0; step < 5; ++step) {
          const auto targets = Only(examples.Targets(0, kBatch), LabelledAt(step));
          if (is_cached) {
            trainer.StepCached(0, order, targets);
          } else {
            trainer.Step(kBatch, examples.Inputs(0, kBatch), targets);
          }
        }
        NamedValues got = ParametersOf(network);
        got.merge(StateOf(trainer, network));
        got.merge(BalanceOf(trainer));
        if (expected.empty()) expected = got;
        EXPECT_EQ(Differences(got, expected), kNone) << NameOf(rule) << " " << workers;
      }
    }
  }
  ThreadPool::Shared().SetThreadCount(threads);
}

TEST(TaskBalance, AStepThatFailsLeavesNothingBehind) {
  for (const BalanceConfig& rule : Rules()) {
    Network network = ThreeHeads().Build(5);
    const RandomExamples examples(network, 100, 3);
    TrainerConfig config = ConfigOf(rule);
    config.optimizer = Sgd{.learning_rate = 1e-3};
    Trainer trainer(network, config);
    for (int step = 0; step < 3; ++step) Step(trainer, examples, step, LabelledAt(step));
    const NamedValues parameters = ParametersOf(network);
    const NamedValues state = BalanceOf(trainer);
    std::vector<float> inputs(examples.Inputs(0, kBatch).begin(), examples.Inputs(0, kBatch).end());
    for (float& input : inputs) input *= 1e30f;
    EXPECT_THROW(trainer.Step(kBatch, inputs, examples.Targets(0, kBatch)), Error);
    inputs[5] = kNaN;
    EXPECT_THROW(trainer.Step(kBatch, inputs, examples.Targets(0, kBatch)), Error);
    EXPECT_EQ(Differences(ParametersOf(network), parameters), kNone) << NameOf(rule);
    EXPECT_EQ(Differences(BalanceOf(trainer), state), kNone) << NameOf(rule);
  }
}

TEST(TaskBalance, GoesOnFromAnEarlierTrainer) {
  for (const BalanceConfig& rule : Rules()) {
    Network network = ThreeHeads().Build(5);
    const RandomExamples examples(network, 100, 3);
    Trainer earlier(network, ConfigOf(rule));
    for (int step = 0; step < 5; ++step) Step(earlier, examples, step, LabelledAt(step));
    const NamedValues state = BalanceOf(earlier);
    earlier.Release();
    {
      Trainer other(network, ConfigOf(PlainWeights{}));
      EXPECT_THROW(other.ContinueFrom(earlier, 5), Error);
    }
    Trainer later(network, ConfigOf(rule));
    later.ContinueFrom(earlier, 5);
    EXPECT_EQ(Differences(BalanceOf(later), state), kNone) << NameOf(rule);
  }
}

TEST(TaskBalance, LossesOfTheCallersOwnAreWeighedLikeOthers) {
  for (const BalanceConfig& rule : {Rules()[0], Rules()[1]}) {
    Network network = ThreeHeads().Build(5);
    Network other = network.Clone();
    const RandomExamples examples(network, 100, 3);
    TrainerConfig config = ConfigOf(rule);
    config.optimizer = Sgd{.learning_rate = 0.02};
    Trainer usual(network, config);
    for (const HeadSpec& head : network.Spec().heads) {
      config.losses[head.name] = std::make_shared<testing::ReferenceTaskLoss>(head.task);
    }
    Trainer trainer(other, config);
    for (int step = 0; step < 6; ++step) {
      const auto expected = Step(usual, examples, step, LabelledAt(step)).tasks;
      const auto got = Step(trainer, examples, step, LabelledAt(step)).tasks;
      for (std::size_t i = 0; i < kHeads; ++i) {
        EXPECT_NEAR(got[i].factor, expected[i].factor, 1e-5 * expected[i].factor);
      }
    }
    const NamedValues expected = ParametersOf(network);
    for (const auto& [path, values] : ParametersOf(other)) {
      EXPECT_LE(RelativeNorm(values, expected.at(path)), 1e-5) << path;
    }
  }
}

// A loss may be 0, far below, or as large as floats are.
TEST(TaskBalance, StaysFiniteWhateverTheLosses) {
  const Network network = ThreeHeads().Build(5);
  std::vector<std::uint8_t> columns(10, 1);
  for (const BalanceConfig& rule : {Rules()[0], Rules()[1], Rules()[2],
                                    BalanceConfig(InverseLossWeights{.temperature = 1e-320})}) {
    TaskBalance balance(*network.state(), rule);
    for (const double loss : {0.0, -5.0, 1e-300, 1e38, 1e300}) {
      for (int step = 0; step < 200; ++step) {
        std::vector<TaskLoss> tasks = {{loss, 3}, {0.5, 2}, {loss * 2.0, 4}};
        balance.Weigh(4, columns, tasks);
        for (const TaskLoss& task : tasks) {
          EXPECT_TRUE(task.factor >= 0.0 && task.factor <= 22027.0) << task.factor;
        }
        balance.Follow();
        if (!balance.LooksAgain()) continue;
        tasks[1].loss = step % 2 == 0 ? 1e300 : std::numeric_limits<double>::infinity();
        balance.FollowAgain(4, columns, tasks);
      }
    }
    std::vector<StateTensor> state;
    balance.AddStateTo(state);
    for (const StateTensor& tensor : state) {
      for (const float value : tensor.floats) EXPECT_TRUE(std::isfinite(value)) << tensor.name;
    }
  }
}

TEST(TaskBalance, RefusesWhatIsOutOfRange) {
  Network network = ThreeHeads().Build(5);
  const auto message = [&](const BalanceConfig& rule) {
    return MessageOf(ErrorCode::kInvalidArgument, [&] { Trainer(network, ConfigOf(rule)); });
  };
  EXPECT_EQ(message(UncertaintyWeights{.learning_rate = 0.0}),
            "INVALID_ARGUMENT: balance: learning_rate: expected a number in (0, 1], got 0");
  EXPECT_EQ(message(InverseLossWeights{.temperature = -1.0}),
            "INVALID_ARGUMENT: balance: temperature: expected a number above 0, got -1");
  EXPECT_EQ(message(FamoWeights{.learning_rate = 2.0}),
            "INVALID_ARGUMENT: balance: learning_rate: expected a number in (0, 1], got 2");
  EXPECT_EQ(message(FamoWeights{.decay = 1.5}),
            "INVALID_ARGUMENT: balance: decay: expected a number in [0, 1], got 1.5");
}

TEST(TaskBalance, WhatComputesABatchAgainTakesWholeStepsAndNoOwnLosses) {
  for (const BalanceConfig& rule : {Rules()[2], Rules()[3]}) {
    Network network = ThreeHeads().Build(5);
    const RandomExamples examples(network, kBatch, 3);
    TrainerConfig config = ConfigOf(rule);
    config.losses["kind"] = nullptr;
    EXPECT_EQ(MessageOf(ErrorCode::kInvalidArgument, [&] { Trainer(network, config); }),
              "INVALID_ARGUMENT: balance: expected no losses of the caller's own with FAMO or "
              "PCGrad, which compute a batch more than once; got one for task 'kind'");
    Trainer trainer(network, ConfigOf(rule));
    const auto begin = [&] {
      trainer.BeginStep(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
    };
    EXPECT_EQ(MessageOf(ErrorCode::kInvalidState, begin),
              "INVALID_STATE: begin step: expected a whole step, as FAMO and PCGrad compute a "
              "batch more than once");
  }
}

}  // namespace
}  // namespace espalier
