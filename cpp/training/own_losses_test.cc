// SPDX-License-Identifier: Apache-2.0

// Steps and evaluations with losses of the caller's own.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "espalier/evaluation.h"
#include "espalier/trainer.h"
#include "testing/messages.h"
#include "testing/own_losses.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::FunctionLoss;
using testing::MessageOf;
using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::RelativeNorm;
using testing::StateOf;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 16;
constexpr std::int64_t kExamples = 40;

std::shared_ptr<const Loss> OwnLossOf(const Network& network, std::size_t head) {
  return std::make_shared<testing::ReferenceTaskLoss>(network.Spec().heads[head].task);
}

void Train(Trainer& trainer, const RandomExamples& examples, int steps) {
  for (int step = 0; step < steps; ++step) {
    const std::int64_t first = step * kBatch % (examples.size() - kBatch + 1);
    trainer.Step(kBatch, examples.Inputs(first, kBatch), examples.Targets(first, kBatch));
  }
}

// Three heads, of which two stand in one product.
TEST(OwnLosses, TheTasksOwnFormulasTrainTheSame) {
  for (const bool is_frozen : {false, true}) {
    for (const std::vector<std::size_t>& own :
         {std::vector<std::size_t>{0}, {1}, {2}, {0, 1}, {0, 1, 2}}) {
      Network network = ThreeHeads().Build(5);
      if (is_frozen) network.Freeze({.pattern = "conv2", .through = true});
      Network other = network.Clone();
      const RandomExamples examples(network, kExamples, 3);
      TrainerConfig config{.optimizer = Sgd{.learning_rate = 0.02, .momentum = 0.9},
                           .max_batch_size = kBatch};
      Trainer usual(network, config);
      for (const std::size_t head : own) {
        config.losses[network.Spec().heads[head].name] = OwnLossOf(network, head);
      }
      Trainer trainer(other, config);
      Train(usual, examples, 10);
      Train(trainer, examples, 10);
      const NamedValues expected = ParametersOf(network);
      for (const auto& [path, values] : ParametersOf(other)) {
        EXPECT_LE(RelativeNorm(values, expected.at(path)), 1e-5) << path;
      }
      const std::vector<TaskTargets> targets = examples.Targets(0, kExamples);
      std::vector<float> logits(kExamples * 10);
      trainer.Evaluate(kExamples, examples.Inputs(0, kExamples), logits);
      const auto losses = TaskLosses(other, kExamples, logits, targets, config.losses);
      const auto usual_losses = TaskLosses(other, kExamples, logits, targets);
      for (std::size_t head = 0; head < 3; ++head) {
        EXPECT_NEAR(losses[head].loss, usual_losses[head].loss, 1e-5);
        EXPECT_EQ(losses[head].labelled, usual_losses[head].labelled);
      }
    }
  }
}

TEST(OwnLosses, GiveTheSameBitsForAnyNumberOfThreadsAndInTwoHalves) {
  NamedValues expected;
  const int threads = ThreadPool::Shared().thread_count();
  for (const int workers : {1, 3}) {
    for (const bool is_split : {false, true}) {
      ThreadPool::Shared().SetThreadCount(workers);
      Network network = ThreeHeads().Build(5);
      const RandomExamples examples(network, kExamples, 3);
      const std::shared_ptr<const Loss> loss = OwnLossOf(network, 0);
      Trainer trainer(network,
                      {.max_batch_size = kBatch, .losses = {{"signs", is_split ? nullptr : loss}}});
      for (int step = 0; step < 5; ++step) {
        if (!is_split) {
          trainer.Step(kBatch, examples.Inputs(step, kBatch), examples.Targets(step, kBatch));
          continue;
        }
        const auto batches = trainer.BeginStep(kBatch, examples.Inputs(step, kBatch),
                                               examples.Targets(step, kBatch));
        ASSERT_EQ(batches.size(), 1u);
        std::vector<float> gradients(batches[0].logits.size());
        const double sum = loss->Compute(batches[0], gradients);
        trainer.FinishStep(std::vector<LossAnswer>{{.sum = sum, .gradients = gradients}});
      }
      const NamedValues values = ParametersOf(network);
      if (expected.empty()) expected = values;
      EXPECT_EQ(Differences(expected, values), std::vector<std::string>{});
    }
  }
  ThreadPool::Shared().SetThreadCount(threads);
}

TEST(OwnLosses, StepsFromCachedFeaturesInTwoHalves) {
  Network network = ThreeHeads().Build(5);
  network.Freeze({.pattern = "conv2", .through = true});
  Network other = network.Clone();
  const RandomExamples examples(network, kExamples, 3);
  const std::shared_ptr<const Loss> loss = OwnLossOf(network, 1);
  Trainer whole(network, {.max_batch_size = kBatch, .losses = {{"kind", loss}}});
  Trainer split(other, {.max_batch_size = kBatch, .losses = {{"kind", nullptr}}});
  const std::vector<std::int64_t> rows = {7, 0, 3};
  for (Trainer* trainer : {&whole, &split}) {
    trainer->ReserveFeatures(0, kExamples);
    trainer->CacheFeatures(0, 0, kExamples, examples.Inputs(0, kExamples));
  }
  const std::vector<TaskTargets> targets = examples.Targets(0, 3);
  whole.StepCached(0, rows, targets);
  MessageOf(ErrorCode::kInvalidState, [&] { split.StepCached(0, rows, targets); });
  const auto batches = split.BeginStepCached(0, rows, targets);
  std::vector<float> gradients(batches[0].logits.size());
  const double sum = loss->Compute(batches[0], gradients);
  split.FinishStep(std::vector<LossAnswer>{{.sum = sum, .gradients = gradients}});
  EXPECT_EQ(Differences(ParametersOf(network), ParametersOf(other)), std::vector<std::string>{});
}

class WrongLosses : public ::testing::Test {
 protected:
  // A step with this loss of "signs" throws; neither network nor trainer has changed by it.
  void Refuses(ErrorCode code, const std::string& text, const FunctionLoss::Function& function) {
    bool is_wrong = true;
    const auto reference = OwnLossOf(network_, 0);
    Network network = network_.Clone();
    Trainer trainer(
        network, {.max_batch_size = kBatch,
                  .losses = {{"signs", std::make_shared<FunctionLoss>(
                                           [&](const LossBatch& batch, std::span<float> gradients) {
                                             const double sum =
                                                 reference->Compute(batch, gradients);
                                             return is_wrong ? function(batch, gradients) : sum;
                                           })}}});
    const auto step = [&] {
      trainer.Step(kBatch, examples_.Inputs(0, kBatch), examples_.Targets(0, kBatch));
    };
    EXPECT_NE(MessageOf(code, step).find(text), std::string::npos) << MessageOf(code, step);
    EXPECT_EQ(trainer.steps(), 0);
    EXPECT_EQ(Differences(ParametersOf(network_), ParametersOf(network)),
              std::vector<std::string>{});
    is_wrong = false;
    step();

    Network other = network_.Clone();
    Trainer fresh(other, {.max_batch_size = kBatch, .losses = {{"signs", reference}}});
    fresh.Step(kBatch, examples_.Inputs(0, kBatch), examples_.Targets(0, kBatch));
    EXPECT_EQ(Differences(ParametersOf(other), ParametersOf(network)), std::vector<std::string>{});
    EXPECT_EQ(Differences(StateOf(fresh, other), StateOf(trainer, network)),
              std::vector<std::string>{});
  }

  Network network_ = ThreeHeads().Build(5);
  RandomExamples examples_{network_, kBatch, 3};
};

TEST_F(WrongLosses, LeaveNetworkAndTrainerAsTheyWere) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  Refuses(ErrorCode::kNonFinite, "loss of task 'signs' at step 1: expected a finite value, got NaN",
          [](const LossBatch&, std::span<float>) { return std::nan(""); });
  for (const bool is_labelled : {true, false}) {
    Refuses(is_labelled ? ErrorCode::kNonFinite : ErrorCode::kInvalidArgument,
            "loss of task 'signs', row ", [&](const LossBatch& batch, std::span<float> gradients) {
              std::size_t i = 0;
              while ((batch.mask[i] != 0) != is_labelled) ++i;
              gradients[i] = kNaN;
              return 1.0;
            });
  }
  Refuses(ErrorCode::kNonFinite, "gradient of task", [](const LossBatch&, std::span<float> g) {
    for (float& gradient : g) gradient *= 3e38f;
    return 1.0;
  });
  Refuses(ErrorCode::kIo, "my own", [](const LossBatch&, std::span<float>) -> double {
    throw Error(ErrorCode::kIo, "my own");
  });
}

TEST_F(WrongLosses, LetOtherExceptionsThrough) {
  Trainer trainer(network_,
                  {.max_batch_size = kBatch,
                   .losses = {{"signs", std::make_shared<FunctionLoss>(
                                            [](const LossBatch&, std::span<float>) -> double {
                                              throw std::runtime_error("mine");
                                            })}}});
  EXPECT_THROW(trainer.Step(kBatch, examples_.Inputs(0, kBatch), examples_.Targets(0, kBatch)),
               std::runtime_error);
  EXPECT_EQ(trainer.steps(), 0);
}

TEST(OwnLosses, OfNoHeadOrByLabelAreRefused) {
  TaskSpec task = LabelsTask({"a", "b"});
  task.normalization = LossNormalization::kPerLabel;
  Network network = NetworkBuilder(Shape::Vector(3)).Dense("dense", 2).Head("side", task).Build(1);
  const auto loss = std::make_shared<testing::ReferenceTaskLoss>(task);
  EXPECT_NE(MessageOf(ErrorCode::kInvalidArgument,
                      [&] { Trainer(network, {.losses = {{"sdie", loss}}}); })
                .find("did you mean 'side'?"),
            std::string::npos);
  const std::vector<float> logits(2);
  const std::vector<TaskTargets> targets(1);
  for (const Losses& losses :
       {Losses{{"side", loss}}, Losses{{"side", nullptr}}, Losses{{"none", loss}}}) {
    MessageOf(ErrorCode::kInvalidArgument,
              [&] { TaskLosses(network, 1, logits, targets, losses); });
  }
  MessageOf(ErrorCode::kInvalidArgument, [&] { Trainer(network, {.losses = {{"side", loss}}}); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { OwnTaskLoss(network, "side", 1, 1, 1.0); });
}

TEST(OwnLosses, AStepThatWasBegunEndsWithWhateverUsesItsMemory) {
  Network network = ThreeHeads().Build(5);
  network.Freeze({.pattern = "conv2", .through = true});
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(network, {.max_batch_size = kBatch, .losses = {{"signs", nullptr}}});
  const std::vector<float> gradients(kBatch * 5);
  const std::vector<LossAnswer> answers = {{.sum = 0.0, .gradients = gradients}};
  const auto finish = [&] { trainer.FinishStep(answers); };
  const auto begin = [&] {
    trainer.BeginStep(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  };
  MessageOf(ErrorCode::kInvalidState, finish);
  begin();
  MessageOf(ErrorCode::kInvalidArgument, [&] { trainer.FinishStep({}); });
  MessageOf(ErrorCode::kInvalidState, finish);
  begin();
  std::vector<float> logits(kBatch * 10);
  trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), logits);
  MessageOf(ErrorCode::kInvalidState, finish);
  begin();
  network.WriteParameter("heads.signs.dense.bias", network.ReadParameter("heads.signs.dense.bias"));
  MessageOf(ErrorCode::kInvalidState, finish);
  begin();
  finish();
  EXPECT_EQ(trainer.steps(), 1);
  MessageOf(ErrorCode::kInvalidState,
            [&] { trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch)); });
}

}  // namespace
}  // namespace espalier
