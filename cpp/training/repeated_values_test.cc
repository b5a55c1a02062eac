// SPDX-License-Identifier: Apache-2.0
#include "training/repeated_values.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "espalier/builder.h"
#include "espalier/runtime.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/layer_spec.h"
#include "testing/training_data.h"
#include "testing/transformer_networks.h"
#include "training/training_plan.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::NamedValues;
using testing::ParametersOf;
using testing::Spec;

// Kinds of the layers that a step of so many examples runs twice.
std::set<std::string> RepeatedKinds(const Network& network, std::int64_t max_batch) {
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), max_batch);
  std::set<std::string> kinds;
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const PlanNode& node = plan.nodes[i];
    // It is there when its readers run backward.
    const int time = static_cast<int>(2 * plan.nodes.size() - i);
    for (std::size_t input = 0; input < node.backward_inputs.size(); ++input) {
      if (node.backward_inputs[input] == node.inputs[input]) continue;
      const BufferRequest& again =
          plan.buffers[static_cast<std::size_t>(node.backward_inputs[input])];
      EXPECT_TRUE(again.first <= time && time <= again.last);
    }
    for (const int repeated : node.repeats) {
      const PlanNode& again = plan.nodes[static_cast<std::size_t>(repeated)];
      EXPECT_TRUE(again.is_repeated);
      EXPECT_NE(again.again, kNoBuffer);
      const GraphLayer& layer = network.state()->layers[static_cast<std::size_t>(again.layer)];
      kinds.insert(std::string(layer.layer->kind()));
    }
  }
  return kinds;
}

// 64 examples fill a megabyte in its norms, two in its activations; 4 do not.
constexpr std::int64_t kMany = 64;
constexpr std::int64_t kFew = 4;
constexpr testing::BertSizes kText = {
    .length = 32, .vocabulary = 50, .layers = 2, .width = 128, .heads = 4, .feed_forward = 256};

Network TextNetwork() {
  return testing::Bert(kText).Head("topics", LabelsTask({"a", "b", "c"})).Build(3);
}

NamedValues TrainedTexts(std::int64_t max_batch) {
  Network network = TextNetwork();
  Trainer trainer(network,
                  {.optimizer = AdamW{.learning_rate = 1e-3}, .max_batch_size = max_batch});
  std::vector<std::int32_t> ids(static_cast<std::size_t>(kFew * kText.length));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i * 7 % 50);
  const std::vector<std::int32_t> types(ids.size());
  const std::vector<float> labels = {1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1};
  // All positions, and fewer.
  for (const std::vector<std::int32_t>& lengths :
       {std::vector<std::int32_t>{5, 32, 3, 20}, {4, 9, 1, 2}, {32, 32, 32, 32}}) {
    const InputData data[] = {std::span<const std::int32_t>(ids),
                              std::span<const std::int32_t>(types),
                              std::span<const std::int32_t>(lengths)};
    const TaskTargets targets[] = {{.values = labels}};
    trainer.Step(kFew, Inputs(std::span<const InputData>(data)), targets);
  }
  return ParametersOf(network);
}

TEST(RepeatedValues, GiveAStepTheSameBits) {
  const Network network = TextNetwork();
  EXPECT_EQ(RepeatedKinds(network, kMany), (std::set<std::string>{"gelu", "layer_norm"}));
  EXPECT_EQ(RepeatedKinds(network, kFew), std::set<std::string>());
  const NamedValues expected = TrainedTexts(kFew);
  const int before = ThreadPool::Shared().thread_count();
  for (const int threads : {1, 2, 3}) {
    SetThreadCount(threads);
    EXPECT_EQ(Differences(TrainedTexts(kMany), expected), std::vector<std::string>()) << threads;
  }
  SetThreadCount(before);
}

// Images whose activations are read by convolutions, by sums, and by both.
Network ImageNetwork() {
  NetworkBuilder builder(Shape::Image(3, 16, 16));
  builder.Conv2d("conv1", 16, 3).BatchNorm("norm1").Layer(Spec("silu", "act1", {"norm1"}));
  builder.Conv2d("conv2", 16, 3).BatchNorm("norm2").Layer(Spec("silu", "act2", {"norm2"}));
  builder.Layer(Spec("conv2d", {{"channels", std::int64_t{16}}, {"kernel", std::int64_t{3}}},
                     "branch", {"act1"}));
  builder.Add("sum1", "act1", "act2").Add("sum2", "sum1", "branch");
  builder.Conv2d("conv3", 16, 3).Layer(Spec("hard_swish", "act3", {"conv3"}));
  builder.Conv2d("conv4", 16, 3).Layer(Spec("gelu", "act4", {"conv4"}));
  builder.Layer(Spec("global_average_pool2d", "pool", {"act4"}));
  return builder.Head("signs", LabelsTask({"a", "b", "c"})).Build(3);
}

NamedValues TrainedImages(std::int64_t max_batch) {
  Network network = ImageNetwork();
  const testing::RandomExamples examples(network, 3 * kFew, 5);
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.1}, .max_batch_size = max_batch});
  for (std::int64_t first = 0; first < examples.size(); first += kFew) {
    trainer.Step(kFew, examples.Inputs(first, kFew), examples.Targets(first, kFew));
  }
  return ParametersOf(network);
}

TEST(RepeatedValues, OfImagesToo) {
  const Network network = ImageNetwork();
  EXPECT_EQ(RepeatedKinds(network, 100), (std::set<std::string>{"silu", "hard_swish"}));
  EXPECT_EQ(RepeatedKinds(network, kFew), std::set<std::string>());
  EXPECT_EQ(Differences(TrainedImages(100), TrainedImages(kFew)), std::vector<std::string>());
}

// A late gradient is computed when all values that backward passes read are gone.
TEST(RepeatedValues, AreNoneThatALateGradientReads) {
  NetworkBuilder builder(Shape::Vector(16));
  builder.Dense("dense1", 4096).Layer(Spec("gelu", "act1", {"dense1"}));
  builder.Dense("dense2", 64).Relu().Head("signs", LabelsTask({"a"}));
  const Network network = builder.Build(3);
  EXPECT_EQ(RepeatedKinds(network, 128), std::set<std::string>());
  EXPECT_EQ(RepeatedKinds(network, 129), std::set<std::string>{"gelu"});  // no gradient is late
}

// Of two in a row the second would read what the first no longer keeps.
TEST(RepeatedValues, AreComputedFromKeptOnes) {
  NetworkBuilder builder(Shape::Vector(16));
  builder.Dense("dense1", 4096).Layer(Spec("gelu", "act1", {"dense1"}));
  builder.Layer(Spec("silu", "act2", {"act1"}));
  builder.Dense("dense2", 4).Head("signs", LabelsTask({"a"}));
  EXPECT_EQ(RepeatedKinds(builder.Build(3), 200), std::set<std::string>{"gelu"});
}

}  // namespace
}  // namespace espalier
