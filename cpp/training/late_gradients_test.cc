// SPDX-License-Identifier: Apache-2.0

// Gradients that are computed where they are used give the parameters, bit for bit, that stored
// ones give. A limit of the norm that nothing reaches makes a trainer store them all.

#include "training/late_gradients.h"

#include <cmath>
#include <limits>

#include "core/thread_pool.h"
#include "espalier/builder.h"
#include "espalier/error.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/cpu_targets.h"
#include "testing/training_data.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::StateOf;

constexpr double kUnreached = 1e30;
constexpr std::int64_t kBatch = 20;
const std::vector<std::string> kNone;

// Two layers and the hidden layer of a head are large enough.
NetworkBuilder Wide() {
  NetworkBuilder builder(Shape::Vector(300));
  builder.Dense("dense1", 260)
      .Relu()
      .Dense("dense2", 257)
      .Layer({.name = "features", .kind = "relu"})
      .Head("signs", LabelsTask({"a", "b", "c"}))
      .Head({.name = "sizes",
             .from = "features",
             .layers = {{.name = "hidden",
                         .kind = "dense",
                         .attributes = {{"units", std::int64_t{270}}}}},
             .task = ValuesTask({"width"})});
  return builder;
}

struct Trained {
  NamedValues parameters;
  NamedValues moments;
  std::vector<double> norms;
};

// Batches of different sizes; in some steps nothing reaches the second head.
Trained Train(TrainerConfig config, bool is_late, float scale = 1.0f) {
  Network network = Wide().Build(5);
  RandomExamples examples(network, kMostGradientExamples, 3);
  for (float& input : examples.inputs()) input *= scale;
  config.max_batch_size = kMostGradientExamples;
  if (!is_late) config.clip_norm = kUnreached;
  Trainer trainer(network, config);
  Trained trained;
  for (const std::int64_t batch :
       {kBatch, std::int64_t{1}, kMostGradientExamples, kBatch, kBatch}) {
    std::vector<TaskTargets> targets = examples.Targets(0, batch);
    if (trained.norms.size() == 3) targets[1] = {};
    trained.norms.push_back(trainer.Step(batch, examples.Inputs(0, batch), targets).gradient_norm);
  }
  trained.parameters = ParametersOf(network);
  trained.moments = StateOf(trainer, network);
  return trained;
}

void ExpectSame(const Trained& late, const Trained& stored) {
  EXPECT_EQ(Differences(late.parameters, stored.parameters), kNone);
  EXPECT_EQ(Differences(late.moments, stored.moments), kNone);
  ASSERT_EQ(late.norms.size(), stored.norms.size());
  for (std::size_t i = 0; i < late.norms.size(); ++i) {
    EXPECT_NEAR(late.norms[i], stored.norms[i], 1e-6 * stored.norms[i]) << i;
  }
}

TEST(LateGradients, GiveTheBitsOfStoredOnesWithEveryOptimizer) {
  testing::ForEachCpuTarget([] {
    for (const OptimizerConfig& optimizer :
         {OptimizerConfig(Adam{.weight_decay = 0.01}), OptimizerConfig(AdamW{}),
          OptimizerConfig(Sgd{.learning_rate = 0.01}),
          OptimizerConfig(Sgd{.learning_rate = 0.01, .momentum = 0.9}),
          OptimizerConfig(RmsProp{.learning_rate = 1e-3, .momentum = 0.5})}) {
      const TrainerConfig config{.optimizer = optimizer, .clip_value = 0.01};
      ExpectSame(Train(config, /*is_late=*/true), Train(config, /*is_late=*/false));
    }
  });
}

TEST(LateGradients, GiveTheSameBitsOnAnyNumberOfThreads) {
  const Trained expected = Train({}, /*is_late=*/true);
  const int before = ThreadPool::Shared().thread_count();
  for (const int threads : {1, 2, 5}) {
    ThreadPool::Shared().SetThreadCount(threads);
    const Trained got = Train({}, /*is_late=*/true);
    EXPECT_EQ(got.norms, expected.norms);
    EXPECT_EQ(Differences(got.parameters, expected.parameters), kNone);
  }
  ThreadPool::Shared().SetThreadCount(before);
}

// Where it is not sure that they are finite, they are computed and looked at before.
TEST(LateGradients, HugeOnesAreLookedAtFirst) {
  const TrainerConfig config{.optimizer = Sgd{.learning_rate = 1e-30}};
  const Trained late = Train(config, /*is_late=*/true, 1e13f);
  EXPECT_GT(late.norms[0], 1e18);
  ExpectSame(late, Train(config, /*is_late=*/false, 1e13f));
}

TEST(LateGradients, ANonFiniteOneChangesNothing) {
  Network network = NetworkBuilder(Shape::Vector(300))
                        .Dense("dense1", 256)
                        .Relu()
                        .Dense("dense2", 256)
                        .Relu()
                        .Head("signs", LabelsTask({"a"}))
                        .Build(5);
  RandomExamples examples(network, 4, 9, 0.0);
  for (float& input : examples.inputs()) input = 1e30f + std::abs(input);
  // All finite but the gradient by dense2.weight, as in trainer_test.cc.
  network.WriteParameter("dense1.weight", std::vector<float>(256 * 300, 0.1f));
  network.WriteParameter("dense2.weight", std::vector<float>(256 * 256, 1e-33f));
  network.WriteParameter("heads.signs.dense.weight", std::vector<float>(256, 1e20f));
  const NamedValues before = ParametersOf(network);
  Trainer trainer(network, {});
  try {
    trainer.Step(4, examples.Inputs(0, 4), examples.Targets(0, 4));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNonFinite);
    EXPECT_NE(std::string(error.what()).find("gradient"), std::string::npos) << error.what();
  }
  EXPECT_EQ(Differences(before, ParametersOf(network)), kNone);
}

TEST(LateGradients, BeginAsksWhetherAllAreSurelyFinite) {
  std::vector<float> gradients(2 * 3, 1.0f);
  std::vector<float> inputs(2 * 5, 1.0f);
  LateGradients late;
  EXPECT_TRUE(late.Begin(2));  // there is none
  late.Add({.product = {
                .gradients = gradients.data(), .inputs = inputs.data(), .rows = 3, .columns = 5}});
  EXPECT_TRUE(late.Begin(2));
  EXPECT_EQ(late.gradients()[0].product.examples, 2);
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e19f}) {
    inputs[9] = value;
    EXPECT_FALSE(late.Begin(2));
  }
  inputs[9] = 1e10f;
  EXPECT_TRUE(late.Begin(2));
  gradients[5] = 1e10f;
  EXPECT_FALSE(late.Begin(2));
}

}  // namespace
}  // namespace espalier
