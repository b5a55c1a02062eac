// SPDX-License-Identifier: Apache-2.0

// How training behaves: learning, freezing, states and errors.

#include "espalier/trainer.h"

#include <cmath>
#include <limits>
#include <thread>

#include "espalier/predictor.h"
#include "gtest/gtest.h"
#include "testing/messages.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::MessageOf;
using testing::NamedValues;
using testing::OneHead;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::RelativeNorm;
using testing::StateOf;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 16;

void Train(Trainer& trainer, const RandomExamples& examples, int steps) {
  for (int step = 0; step < steps; ++step) {
    const std::int64_t first = step * kBatch % (examples.size() - kBatch + 1);
    trainer.Step(kBatch, examples.Inputs(first, kBatch), examples.Targets(first, kBatch));
  }
}

TEST(Trainer, Overfits32Examples) {
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, 32, 1, 0.0);
  Trainer trainer(network, {.optimizer = Adam{.learning_rate = 3e-3}, .seed = 4});
  for (int step = 0; step < 600; ++step) {
    trainer.Step(32, examples.Inputs(0, 32), examples.Targets(0, 32));
  }
  std::vector<float> logits(32 * 10);
  trainer.Evaluate(32, examples.Inputs(0, 32), logits);
  const std::vector<TaskTargets> targets = examples.Targets(0, 32);
  for (std::size_t row = 0; row < 32; ++row) {
    const float* const of_row = logits.data() + row * 10;
    for (std::size_t label = 0; label < 5; ++label) {
      EXPECT_EQ(of_row[label] > 0.0f, targets[0].values[row * 5 + label] > 0.5f) << row;
    }
    EXPECT_EQ(std::max_element(of_row + 5, of_row + 8) - (of_row + 5), targets[1].classes[row]);
    for (std::size_t value = 0; value < 2; ++value) {
      EXPECT_NEAR(of_row[8 + value], targets[2].values[row * 2 + value], 0.5) << row;
    }
  }
}

TEST(Trainer, ResultAddsUpAndCountsLabelledEntries) {
  Network network = ThreeHeads().Build(5);
  RandomExamples examples(network, kBatch, 2, 0.4);
  Trainer trainer(network, {});
  const StepResult& result =
      trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  ASSERT_EQ(result.tasks.size(), 3u);
  EXPECT_EQ(result.loss, result.tasks[0].loss + result.tasks[1].loss + result.tasks[2].loss);
  const auto labelled = [](const std::vector<float>& values) {
    return std::count_if(values.begin(), values.end(), [](float x) { return !std::isnan(x); });
  };
  EXPECT_EQ(result.tasks[0].labelled, labelled(examples.values(0)));
  EXPECT_EQ(result.tasks[1].labelled,
            kBatch - std::count(examples.classes(1).begin(), examples.classes(1).end(), -1));
  EXPECT_EQ(result.tasks[2].labelled, labelled(examples.values(2)));
  EXPECT_GT(result.gradient_norm, 0.0);
  EXPECT_EQ(result.learning_rate, 1e-3);
  EXPECT_EQ(trainer.steps(), 1);
}

// Freezes some layers, trains, and looks at what moved.
void ExpectFrozenKeepTheirBits(const std::vector<std::string>& frozen,
                               const std::vector<std::string>& frozen_paths) {
  Network network = ThreeHeads().Build(5);
  for (const std::string& pattern : frozen) network.Freeze({.pattern = pattern});
  const NamedValues before = ParametersOf(network);
  const RandomExamples examples(network, 40, 3);
  Trainer trainer(network, {.optimizer = AdamW{.learning_rate = 1e-2}, .max_batch_size = kBatch});
  Train(trainer, examples, 30);
  const NamedValues after = ParametersOf(network);
  const NamedValues moments = StateOf(trainer, network);
  for (const auto& [path, values] : before) {
    const bool is_frozen =
        std::find(frozen_paths.begin(), frozen_paths.end(), path) != frozen_paths.end();
    EXPECT_EQ(testing::SameBits(values, after.at(path)), is_frozen) << path;
    const bool is_buffer = path.find("running") != std::string::npos;
    EXPECT_EQ(moments.count(path + "/exp_avg"), is_frozen || is_buffer ? 0u : 1u) << path;
    EXPECT_EQ(moments.count(path + "/exp_avg_sq"), is_frozen || is_buffer ? 0u : 1u) << path;
  }
}

TEST(Trainer, FrozenPrefixKeepsItsBits) {
  ExpectFrozenKeepTheirBits({"conv1", "norm1"}, {"conv1.weight", "norm1.weight", "norm1.bias",
                                                 "norm1.running_mean", "norm1.running_var"});
}

TEST(Trainer, FrozenMiddleKeepsItsBitsAndPassesGradients) {
  ExpectFrozenKeepTheirBits(
      {"norm1", "conv2", "dense1"},
      {"norm1.weight", "norm1.bias", "norm1.running_mean", "norm1.running_var", "conv2.weight",
       "conv2.bias", "dense1.weight", "dense1.bias"});
}

TEST(Trainer, FrozenHeadsKeepTheirBitsAndReportLosses) {
  ExpectFrozenKeepTheirBits(
      {"heads.kind.dense", "heads.sizes.*"},
      {"heads.kind.dense.weight", "heads.kind.dense.bias", "heads.sizes.hidden.weight",
       "heads.sizes.hidden.bias", "heads.sizes.dense.weight", "heads.sizes.dense.bias"});
  Network network = ThreeHeads().Build(5);
  for (const char* pattern : {"conv*", "norm1", "dense1", "heads.kind.*", "heads.sizes.*"}) {
    network.Freeze({.pattern = pattern});
  }
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(network, {});
  const StepResult& result =
      trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  for (const TaskLoss& task : result.tasks) EXPECT_GT(task.loss, 0.0);
}

TEST(Trainer, ReadsTheOptimizersStateByName) {
  Network network = OneHead().Build(5);
  network.Freeze({.pattern = "dense1"});
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.0, .momentum = 0.5}});
  EXPECT_EQ(trainer.StateNames(), std::vector<std::string>{"momentum_buffer"});
  const std::string path = "dense2.weight";
  EXPECT_EQ(trainer.ReadState(path, "momentum_buffer"), std::vector<float>(190));
  for (int step = 0; step < 2; ++step) {
    trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  }
  // One and a half gradients.
  double squares = 0.0;
  for (const auto& [name, values] : StateOf(trainer, network)) {
    for (const float value : values) squares += static_cast<double>(value) * value;
  }
  const double norm =
      trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch)).gradient_norm;
  EXPECT_NEAR(std::sqrt(squares), 1.5 * norm, 1e-5 * norm);
  EXPECT_TRUE(trainer.ReadState("dense1.weight", "momentum_buffer").empty());
  MessageOf(ErrorCode::kInvalidArgument, [&] { trainer.ReadState(path, "exp_avg"); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { trainer.ReadState("dense2", "momentum_buffer"); });
}

// With a rate too small to move anything, only dropout can make a difference.
TEST(Trainer, DropoutDrawsAnewEachStepUnlessFrozen) {
  for (const bool frozen : {false, true}) {
    Network network = ThreeHeads().Build(5);
    if (frozen) network.Freeze({.pattern = "dropout1"});
    const RandomExamples examples(network, kBatch, 3);
    Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 1e-30}});
    double losses[2];
    for (double& loss : losses) {
      loss = trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch)).loss;
    }
    EXPECT_EQ(losses[0] == losses[1], frozen);
  }
}

TEST(Trainer, FrozenBatchNormMayKeepAdapting) {
  Network network = ThreeHeads().Build(5);
  network.Freeze({.pattern = "features", .through = true});
  network.Freeze({.pattern = "norm1"}, /*adapt_statistics=*/true);
  const NamedValues before = ParametersOf(network);
  const RandomExamples examples(network, 40, 3);
  Trainer trainer(network, {.max_batch_size = kBatch});
  Train(trainer, examples, 5);
  const NamedValues after = ParametersOf(network);
  for (const char* path : {"conv1.weight", "norm1.weight", "norm1.bias", "conv2.weight"}) {
    EXPECT_TRUE(testing::SameBits(before.at(path), after.at(path))) << path;
  }
  EXPECT_NE(before.at("norm1.running_mean"), after.at("norm1.running_mean"));
  EXPECT_NE(before.at("norm1.running_var"), after.at("norm1.running_var"));
}

TEST(Trainer, SnapshotsWhatIsFrozen) {
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(network, {});
  const auto step = [&] {
    trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  };
  step();
  network.Freeze({.pattern = "dense1"});
  EXPECT_NE(MessageOf(ErrorCode::kInvalidState, step).find("frozen"), std::string::npos);
  EXPECT_EQ(trainer.steps(), 1);
}

TEST(Trainer, HoldsTheNetworkUntilReleased) {
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, kBatch, 3);
  {
    Trainer trainer(network, {});
    MessageOf(ErrorCode::kBusy, [&] { Trainer second(network, {}); });
    const auto step = [&] {
      trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
    };
    std::thread([&] {
      MessageOf(ErrorCode::kInvalidState, step);
      MessageOf(ErrorCode::kBusy, [&] { network.Clone(); });
      EXPECT_NE(MessageOf(ErrorCode::kInvalidState, [&] { trainer.Release(); }).find("thread"),
                std::string::npos);
    }).join();
    step();
    trainer.Release();
    trainer.Release();
    MessageOf(ErrorCode::kInvalidState, step);
    Trainer second(network, {});
    second.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  }
  const Trainer third(network, {});
}

TEST(Trainer, NothingToTrainIsInvalidStateAndLeavesTheNetworkFree) {
  Network network = OneHead().Build(5);
  network.Freeze({.pattern = "*"});
  MessageOf(ErrorCode::kInvalidState, [&] { Trainer trainer(network, {}); });
  network.Unfreeze({.pattern = "dense2"});
  const Trainer trainer(network, {});
}

TEST(Trainer, RefusesSettingsOutOfRange) {
  Network network = OneHead().Build(5);
  const auto refused = [&](const TrainerConfig& config) {
    return MessageOf(ErrorCode::kInvalidArgument, [&] { Trainer trainer(network, config); });
  };
  EXPECT_NE(refused({.max_batch_size = 0}).find("max_batch_size"), std::string::npos);
  EXPECT_NE(refused({.clip_value = 0.0}).find("clip_value"), std::string::npos);
  EXPECT_NE(refused({.clip_norm = std::nan("")}).find("clip_norm"), std::string::npos);
  EXPECT_NE(refused({.layer_decay = 0.0}).find("layer_decay"), std::string::npos);
  refused({.optimizer = Sgd{.learning_rate = -1.0}});
  const Trainer trainer(network, {});
}

TEST(Trainer, RefusesWrongSizes) {
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, 64, 3);
  Trainer trainer(network, {.max_batch_size = kBatch});
  const auto targets = examples.Targets(0, kBatch);
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { trainer.Step(0, std::span<const float>(), targets); });
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { trainer.Step(17, examples.Inputs(0, 17), examples.Targets(0, 17)); });
  MessageOf(ErrorCode::kShapeMismatch,
            [&] { trainer.Step(kBatch, examples.Inputs(0, 15), targets); });
  MessageOf(ErrorCode::kShapeMismatch,
            [&] { trainer.Step(kBatch, examples.Inputs(0, kBatch), {}); });
  MessageOf(ErrorCode::kShapeMismatch, [&] {
    trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch - 1));
  });
  std::vector<float> logits(63);
  MessageOf(ErrorCode::kShapeMismatch,
            [&] { trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), logits); });
  EXPECT_EQ(trainer.steps(), 0);
}

// After a failed step parameters, buffers, moments and the step count are as before, and
// training goes on as if nothing had been.
void ExpectStepFailsAndChangesNothing(RandomExamples bad, ErrorCode code,
                                      const std::string& expected, bool huge_weights = false) {
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, 40, 3);
  Trainer trainer(network, {.max_batch_size = kBatch});
  Train(trainer, examples, 3);
  if (huge_weights) {
    network.WriteParameter("heads.sizes.dense.weight", std::vector<float>(22, 3e38f));
  }
  const NamedValues before = ParametersOf(network);
  const NamedValues moments = StateOf(trainer, network);
  const std::string message =
      MessageOf(code, [&] { trainer.Step(kBatch, bad.Inputs(0, kBatch), bad.Targets(0, kBatch)); });
  EXPECT_NE(message.find(expected), std::string::npos) << message;
  EXPECT_EQ(Differences(before, ParametersOf(network)), std::vector<std::string>{});
  EXPECT_EQ(Differences(moments, StateOf(trainer, network)), std::vector<std::string>{});
  EXPECT_EQ(trainer.steps(), 3);
  if (huge_weights) return;
  // Step counts of single units show in the next step alone.
  Network undisturbed = ThreeHeads().Build(5);
  Trainer twin(undisturbed, {.max_batch_size = kBatch});
  Train(twin, examples, 3);
  for (Trainer* const each : {&trainer, &twin}) {
    each->Step(kBatch, examples.Inputs(24, kBatch), examples.Targets(24, kBatch));
  }
  EXPECT_EQ(Differences(ParametersOf(undisturbed), ParametersOf(network)),
            std::vector<std::string>{});
}

TEST(Trainer, NonFiniteInputNamesItsRowAndChangesNothing) {
  const Network network = ThreeHeads().Build(5);
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    RandomExamples bad(network, kBatch, 9);
    bad.inputs()[static_cast<std::size_t>(11 * bad.input_floats() + 143)] = value;
    ExpectStepFailsAndChangesNothing(bad, ErrorCode::kNonFinite, "row 11");
  }
}

TEST(Trainer, LabelledTargetOutOfRangeChangesNothing) {
  const Network network = ThreeHeads().Build(5);
  RandomExamples bad(network, kBatch, 9);
  bad.values(0)[5 * 5 + 2] = 1.5f;
  ExpectStepFailsAndChangesNothing(bad, ErrorCode::kInvalidArgument, "signs");
  RandomExamples bad_class(network, kBatch, 9);
  bad_class.classes(1)[7] = 3;
  ExpectStepFailsAndChangesNothing(bad_class, ErrorCode::kInvalidArgument, "kind");
}

TEST(Trainer, NonFiniteLossNamesStepAndTaskAndChangesNothing) {
  const Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, kBatch, 9, 0.0);
  ExpectStepFailsAndChangesNothing(examples, ErrorCode::kNonFinite, "'sizes' at step 4",
                                   /*huge_weights=*/true);
}

TEST(Trainer, NonFiniteGradientNamesStepAndTaskAndChangesNothing) {
  Network network = OneHead().Build(5);
  RandomExamples examples(network, 4, 9, 0.0);
  for (float& input : examples.inputs()) input = 1e30f + std::abs(input);
  // Activations of 1e31, features of about 1, logits of 1e20: all finite, and so is the loss.
  // The gradient by dense2.weight is 1e20 · 1e31.
  network.WriteParameter("dense1.weight", std::vector<float>(19 * 12, 1.0f));
  network.WriteParameter("dense2.weight", std::vector<float>(10 * 19, 1e-32f));
  network.WriteParameter("heads.signs.dense.weight", std::vector<float>(4 * 10, 1e20f));
  const NamedValues before = ParametersOf(network);
  Trainer trainer(network, {});
  const std::string message = MessageOf(ErrorCode::kNonFinite, [&] {
    trainer.Step(4, examples.Inputs(0, 4), examples.Targets(0, 4));
  });
  EXPECT_NE(message.find("gradient of task 'signs' at step 1"), std::string::npos) << message;
  EXPECT_EQ(Differences(before, ParametersOf(network)), std::vector<std::string>{});
}

// Learning rates with which the first update overflows, in each optimizer's way; dense1.weight is
// large enough for a gradient that is computed late.
TEST(Trainer, UpdateThatIsNotFiniteChangesNothing) {
  for (const OptimizerConfig& optimizer : std::vector<OptimizerConfig>{
           Sgd{.learning_rate = 1e300}, Sgd{.learning_rate = 1e300, .momentum = 0.9},
           Adam{.learning_rate = 1e300}, AdamW{.learning_rate = 1e300},
           AdamW{.learning_rate = 1e3, .weight_decay = 1e37}, RmsProp{.learning_rate = 1e300},
           RmsProp{.learning_rate = 1e300, .momentum = 0.5}}) {
    NetworkBuilder builder(Shape::Image(3, 10, 10));
    builder.Conv2d("conv1", 4, 3).BatchNorm("norm1").Relu().Dense("dense1", 256).Relu();
    Network network = builder.Head("signs", LabelsTask({"a", "b"})).Build(5);
    const RandomExamples examples(network, 8, 9, 0.0);
    Trainer trainer(network, {.optimizer = optimizer});
    const NamedValues before = ParametersOf(network);
    const NamedValues moments = StateOf(trainer, network);
    for (int attempt = 0; attempt < 2; ++attempt) {
      const std::string message = MessageOf(ErrorCode::kNonFinite, [&] {
        trainer.Step(8, examples.Inputs(0, 8), examples.Targets(0, 8));
      });
      EXPECT_NE(message.find("update of '"), std::string::npos) << message;
      EXPECT_NE(message.find("at step 1: expected finite values"), std::string::npos) << message;
      EXPECT_EQ(Differences(before, ParametersOf(network)), std::vector<std::string>{});
      EXPECT_EQ(Differences(moments, StateOf(trainer, network)), std::vector<std::string>{});
      EXPECT_EQ(trainer.steps(), 0);
    }
  }
}

// The first step has an ordinary rate, the second one does not: what the first has made stays, with
// moments and counts, to the bit.
TEST(Trainer, FirstUpdateThatIsNotFiniteLeavesTheStepBefore) {
  for (const OptimizerConfig& optimizer :
       std::vector<OptimizerConfig>{Adam{.learning_rate = 1e300, .weight_decay = 1e-3},
                                    Sgd{.learning_rate = 1e300, .momentum = 0.9},
                                    RmsProp{.learning_rate = 1e300, .momentum = 0.9}}) {
    Network network = OneHead().Build(5);
    const RandomExamples examples(network, kBatch, 9, 0.3);
    const TrainerConfig config{
        .optimizer = optimizer,
        .schedule = {.kind = ScheduleKind::kOneCycle, .total_steps = 10, .initial_factor = 1e-303},
        .clip_norm = 1.0};
    Trainer trainer(network, config);
    NamedValues before;
    NamedValues moments;
    std::string message;
    for (int step = 0; step < 10 && message.empty(); ++step) {
      before = ParametersOf(network);
      moments = StateOf(trainer, network);
      try {
        trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kNonFinite);
        message = error.what();
      }
    }
    EXPECT_NE(message.find("at step 2"), std::string::npos) << message;
    EXPECT_EQ(Differences(before, ParametersOf(network)), std::vector<std::string>{});
    EXPECT_EQ(Differences(moments, StateOf(trainer, network)), std::vector<std::string>{});
    for (const auto& [path, values] : before) {
      for (const float value : values) ASSERT_TRUE(std::isfinite(value)) << path;
    }
  }
}

// Gradients of 5e29 are finite, but not their squares: an infinite moment would keep the weight
// where it is, whatever came after.
TEST(Trainer, GradientsThatMomentsCannotHoldChangeNothing) {
  const float input = 1e30f;
  const float yes = 1.0f;
  const std::vector<TaskTargets> targets = {{.values = {&yes, 1}}};
  const auto train = [&](const TrainerConfig& config, bool is_refused) {
    Network network = NetworkBuilder(Shape::Vector(1)).Head("sign", LabelsTask({"a"})).Build(1);
    network.WriteParameter("heads.sign.dense.weight", std::vector<float>{0.0f});
    Trainer trainer(network, config);
    const NamedValues before = ParametersOf(network);
    if (is_refused) {
      const std::string message =
          MessageOf(ErrorCode::kNonFinite, [&] { trainer.Step(1, {&input, 1}, targets); });
      EXPECT_NE(message.find("gradient of task 'sign' at step 1: expected values whose squares"),
                std::string::npos)
          << message;
      EXPECT_EQ(Differences(before, ParametersOf(network)), std::vector<std::string>{});
    } else {
      trainer.Step(1, {&input, 1}, targets);
      EXPECT_NE(Differences(before, ParametersOf(network)), std::vector<std::string>{});
    }
    for (const std::string& name : trainer.StateNames()) {
      for (const float moment : trainer.ReadState("heads.sign.dense.weight", name)) {
        EXPECT_TRUE(std::isfinite(moment)) << name;
        EXPECT_TRUE(moment == 0.0f || !is_refused) << name;
      }
    }
  };
  for (const OptimizerConfig& optimizer :
       {OptimizerConfig(Adam{}), OptimizerConfig(AdamW{}), OptimizerConfig(RmsProp{})}) {
    train({.optimizer = optimizer}, true);
    train({.optimizer = optimizer, .clip_value = 1e25}, true);
    train({.optimizer = optimizer, .clip_value = 1.0}, false);
    train({.optimizer = optimizer, .clip_norm = 1.0}, false);
  }
  train({.optimizer = Sgd{.learning_rate = 1e-30, .momentum = 0.9}}, false);
}

// Such a network serves: what reads the logits is computed from them.
TEST(Trainer, RefusesHeadsThatStandOnAHead) {
  Network network =
      NetworkBuilder(Shape::Vector(4))
          .Head(HeadSpec{
              .name = "first", .task = LabelsTask({"a", "b"}), .initializer = "lecun_normal"})
          .Head(HeadSpec{.name = "second",
                         .from = "heads.first.dense",
                         .task = LabelsTask({"c"}),
                         .initializer = "lecun_normal"})
          .Build(1);
  const std::string message =
      MessageOf(ErrorCode::kInvalidArgument, [&] { const Trainer trainer(network, {}); });
  EXPECT_NE(message.find("'heads.second.dense' to read a layer that is no head's output, got "
                         "'heads.first.dense'"),
            std::string::npos)
      << message;
  const std::vector<float> input = {1.0f, -2.0f, 0.5f, 3.0f};
  std::vector<float> logits(3);
  Predictor(network, {.logits = true}).Predict(1, input, logits);
  const std::vector<float> weights = network.ReadParameter("heads.second.dense.weight");
  EXPECT_NEAR(logits[2], weights[0] * logits[0] + weights[1] * logits[1], 1e-6);
}

// Squares of 1e25 leave float's range, and a batch norm then gives its bias: loss and gradient are
// finite. Taken over, its variance would stay infinite, and its channel silent, for good.
TEST(Trainer, NonFiniteStatisticsNameStepAndLayerAndChangeNothing) {
  Network network = NetworkBuilder(Shape::Vector(3))
                        .BatchNorm("norm")
                        .Dense("dense", 4)
                        .Head("signs", LabelsTask({"a", "b"}))
                        .Build(5);
  RandomExamples examples(network, 4, 9, 0.0);
  RandomExamples bad(network, 4, 9, 0.0);
  for (const std::size_t row : {0u, 2u}) bad.inputs()[row * 3 + 1] = 1e25f;
  Trainer trainer(network, {});
  trainer.Step(4, examples.Inputs(0, 4), examples.Targets(0, 4));
  const NamedValues before = ParametersOf(network);
  const NamedValues moments = StateOf(trainer, network);
  const std::string message = MessageOf(
      ErrorCode::kNonFinite, [&] { trainer.Step(4, bad.Inputs(0, 4), bad.Targets(0, 4)); });
  EXPECT_NE(message.find("statistics of layer 'norm' at step 2"), std::string::npos) << message;
  EXPECT_EQ(Differences(before, ParametersOf(network)), std::vector<std::string>{});
  EXPECT_EQ(Differences(moments, StateOf(trainer, network)), std::vector<std::string>{});
  EXPECT_EQ(trainer.steps(), 1);
  // One example has no variance, and moves no statistics.
  EXPECT_NO_THROW(trainer.Step(1, bad.Inputs(0, 1), bad.Targets(0, 1)));
}

TEST(Trainer, EvaluatesAsThePredictorDoes) {
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, 40, 3);
  Trainer trainer(network, {.max_batch_size = kBatch});
  for (int round = 0; round < 2; ++round) {
    Train(trainer, examples, 3);
    std::vector<float> evaluated(40 * 10);
    trainer.Evaluate(40, examples.Inputs(0, 40), evaluated);
    std::vector<float> predicted(40 * 10);
    Predictor(network, {.logits = true}).Predict(40, examples.Inputs(0, 40), predicted);
    EXPECT_TRUE(testing::SameBits(evaluated, predicted));
  }
}

TEST(Trainer, SeesParametersWrittenBetweenSteps) {
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(network, {});
  std::vector<float> before(kBatch * 4);
  trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), before);
  network.WriteParameter("heads.signs.dense.bias", std::vector<float>{10, 10, 10, 10});
  std::vector<float> after(kBatch * 4);
  trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), after);
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], before[i] + 10, 1e-4);
}

TEST(Trainer, RestoresTheBest) {
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, 40, 3);
  Trainer trainer(network, {.max_batch_size = kBatch});
  MessageOf(ErrorCode::kInvalidState, [&] { trainer.RestoreBest(); });
  Train(trainer, examples, 2);
  trainer.SaveBest();
  const NamedValues best = ParametersOf(network);
  std::vector<float> best_logits(40 * 10);
  trainer.Evaluate(40, examples.Inputs(0, 40), best_logits);
  Train(trainer, examples, 2);
  EXPECT_FALSE(Differences(best, ParametersOf(network)).empty());
  trainer.RestoreBest();
  EXPECT_EQ(Differences(best, ParametersOf(network)), std::vector<std::string>{});
  std::vector<float> logits(40 * 10);
  trainer.Evaluate(40, examples.Inputs(0, 40), logits);
  EXPECT_TRUE(testing::SameBits(logits, best_logits));
}

TEST(Trainer, MovedFromIsInvalidState) {
  Network network = OneHead().Build(5);
  Trainer trainer(network, {});
  const Trainer moved = std::move(trainer);
  MessageOf(ErrorCode::kInvalidState, [&] { trainer.steps(); });  // NOLINT: use after move
}

}  // namespace
}  // namespace espalier
