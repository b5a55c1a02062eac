// SPDX-License-Identifier: Apache-2.0

// Training with constants: what they learn, and what of them is kept for every example.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/trainer.h"
#include "testing/inference_networks.h"
#include "testing/layer_spec.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "training/training_plan.h"

namespace espalier {
namespace {

using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::SameBits;
using testing::Spec;
using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kBatch = 4;

LayerSpec Table(const char* name, const Ints& shape) {
  return Spec("constant", {{"shape", shape}}, name);
}

// Texts of up to `length` tokens, whose places are told apart by a layer, or by a constant.
Network Texts(std::int64_t length, bool has_constant) {
  NetworkBuilder builder({{.name = "ids", .shape = Shape{length}, .type = ElementType::kInt32},
                          {.name = "count", .shape = Shape{1}, .type = ElementType::kInt32}});
  builder.Layer(Spec("embedding", {{"count", std::int64_t{9}}, {"width", std::int64_t{8}}}, "words",
                     {"ids"}));
  if (has_constant) {
    builder.Layer(Table("places", {length, 8})).Add("sum", "words", "places");
  } else {
    builder.Layer(Spec("position_embedding", {{"max_length", length}}, "places"));
  }
  builder.Layer(Spec("tanh", "active", {}));
  builder.Layer(Spec("token_pool", "pool", {"active", "count"})).Head("x", LabelsTask({"a", "b"}));
  return builder.Build(1);
}

TEST(TrainedConstants, LearnAsALayersOwnTable) {
  constexpr std::int64_t kLength = 13;
  const std::vector<std::int32_t> counts = {3, 5, 0, 5};
  std::vector<std::int32_t> ids;
  for (const std::int32_t count : counts) {
    for (std::int32_t j = 0; j < kLength; ++j) ids.push_back(j < count ? (3 * j + count) % 9 : 0);
  }
  const std::vector<float> labels = {1, 0, 0, 1, 1, 1, 0, 0};
  const std::vector<InputData> data = {std::span<const std::int32_t>(ids),
                                       std::span<const std::int32_t>(counts)};
  const auto train = [&](bool has_constant) {
    Network network = Texts(kLength, has_constant);
    const std::string path = has_constant ? "places.value" : "places.weight";
    network.WriteParameter(path, testing::NormalFloats(kLength * 8, 4));
    const std::vector<float> before = network.ReadParameter(path);
    Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.3}, .max_batch_size = kBatch});
    const std::vector<TaskTargets> targets = {{.values = labels}};
    for (int step = 0; step < 3; ++step) {
      trainer.Step(kBatch, Inputs(std::span<const InputData>(data)), targets);
    }
    std::vector<float> after = network.ReadParameter(path);
    EXPECT_NE(after, before);
    EXPECT_TRUE(std::equal(after.begin() + 5 * 8, after.end(), before.begin() + 5 * 8));
    after.insert(after.end(), labels.begin(), labels.end());
    const std::vector<float> words = network.ReadParameter("words.weight");
    after.insert(after.end(), words.begin(), words.end());
    return after;
  };
  EXPECT_TRUE(SameBits(train(true), train(false)));
}

// A table in a layout of its own, repeated, read twice, by a layer above what is frozen and by one
// in it; integers; a frozen one.
NetworkBuilder Images() {
  NetworkBuilder builder(Shape::Image(2, 5, 4));
  builder.Layer(Table("below", {2, 1, 1})).Mul("scaled", "input", "below");
  builder.Conv2d("conv1", 3, 3).Layer(Table("frozen", {3, 5, 4})).Add("sum", "frozen", "conv1");
  builder.Layer(Table("above", {3, 5, 4})).Mul("product", "sum", "above");
  builder.Layer(Spec("constant", {{"shape", Ints{4}}, {"integers", Ints{1, 0, 0, 2}}}, "integers"));
  builder.Layer(Spec("cast", {{"from", "int32"}, {"to", "float32"}}, "mask", {"integers"}));
  builder.Layer(Spec("where", "chosen", {"mask", "product", "above"}));
  builder.Layer(Spec("tanh", "active", {})).Head("x", LabelsTask({"a", "b"}));
  return builder;
}

Network Filled() {
  Network network = Images().Build(2);
  for (const char* path : {"below.value", "frozen.value", "above.value"}) {
    network.WriteParameter(
        path,
        testing::NormalFloats(static_cast<std::int64_t>(network.ReadParameter(path).size()), 3));
  }
  return network;
}

TEST(TrainedConstants, HaveTheGradientOfALoss) {
  const Network network = Filled();
  const RandomExamples examples(network, kBatch, 2, 0.0);
  const auto loss = [&](const Network& at) {
    Network copy = at.Clone();
    Trainer trainer(copy, {.optimizer = Sgd{.learning_rate = 1e-3}, .max_batch_size = kBatch});
    return trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch)).loss;
  };
  Network trained = network.Clone();
  {
    Trainer trainer(trained, {.optimizer = Sgd{.learning_rate = 1.0}, .max_batch_size = kBatch});
    trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  }
  for (const char* path : {"below.value", "frozen.value", "above.value"}) {
    const std::vector<float> before = network.ReadParameter(path);
    const std::vector<float> after = trained.ReadParameter(path);
    std::vector<float> gradient;
    std::vector<double> numeric;
    for (std::size_t i = 0; i < before.size(); ++i) {
      constexpr float kStep = 1e-2f;
      gradient.push_back(before[i] - after[i]);
      Network moved = network.Clone();
      std::vector<float> values = before;
      values[i] = before[i] + kStep;
      moved.WriteParameter(path, values);
      const double above = loss(moved);
      values[i] = before[i] - kStep;
      moved.WriteParameter(path, values);
      numeric.push_back((above - loss(moved)) / (2.0 * static_cast<double>(kStep)));
    }
    EXPECT_LE(testing::RelativeNorm(gradient, numeric), 2e-3) << path;
  }
}

std::vector<std::string> Names(const Network& network, const std::vector<int>& values) {
  std::vector<std::string> names;
  for (const int value : values) names.push_back(network.state()->value_name(value));
  return names;
}

TEST(TrainedConstants, AreNoFeaturesOfFrozenLayers) {
  Network network = Filled();
  for (const char* name : {"conv1", "sum", "below", "frozen", "above"}) {
    network.Freeze({.pattern = name});
  }
  const TrainingPlan all = FindFrozenPrefix(*network.state());
  EXPECT_EQ(Names(network, all.prefix_outputs), std::vector<std::string>{"active"});
  network.Unfreeze({.pattern = "below"});
  network.Unfreeze({.pattern = "conv1"});
  EXPECT_FALSE(FindFrozenPrefix(*network.state()).has_prefix());
}

TEST(TrainedConstants, StepOnFeaturesAsWithoutThem) {
  const auto frozen = [] {
    Network network = Filled();
    network.Freeze({.pattern = "sum", .through = true});
    return network;
  };
  {
    const Network network = frozen();
    const TrainingPlan prefix = FindFrozenPrefix(*network.state());
    EXPECT_EQ(Names(network, prefix.prefix_outputs), std::vector<std::string>{"sum"});
    EXPECT_EQ(prefix.source_floats, 3 * 5 * 4);
  }
  Network direct = frozen(), cached = frozen();
  const RandomExamples examples(direct, kBatch, 2, 0.0);
  const TrainerConfig config = {.optimizer = AdamW{.learning_rate = 0.1}, .max_batch_size = kBatch};
  std::vector<std::int64_t> all(kBatch);
  std::iota(all.begin(), all.end(), 0);
  {
    Trainer trainer(direct, config), other(cached, config);
    other.ReserveFeatures(0, kBatch);
    other.CacheFeatures(0, 0, kBatch, examples.Inputs(0, kBatch));
    for (int step = 0; step < 3; ++step) {
      EXPECT_EQ(trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch)).loss,
                other.StepCached(0, all, examples.Targets(0, kBatch)).loss);
    }
  }
  EXPECT_EQ(ParametersOf(direct), ParametersOf(cached));
  EXPECT_EQ(direct.ReadParameter("frozen.value"), Filled().ReadParameter("frozen.value"));
  EXPECT_NE(direct.ReadParameter("above.value"), Filled().ReadParameter("above.value"));
}

}  // namespace
}  // namespace espalier
