// SPDX-License-Identifier: Apache-2.0

// Plans of networks with constants.

#include "inference/constants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "inference/inference_run.h"
#include "inference/inference_plan.h"
#include "testing/cpu_targets.h"
#include "testing/inference_networks.h"
#include "testing/reference_forward.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::NormalFloats;
using testing::Spec;
using Ints = std::vector<std::int64_t>;

LayerSpec Table(const char* name, const Ints& shape) {
  return Spec("constant", {{"shape", shape}}, name);
}

void Fill(Network& network) {
  testing::Scatter(network);
  for (const ParameterDescription& parameter : network.Parameters()) {
    if (!testing::EndsWith(parameter.path, ".value")) continue;
    network.WriteParameter(parameter.path, NormalFloats(parameter.shape.element_count(), 9));
  }
}

// Constants of both layouts, broadcast and whole, of integers, and what is computed from them
// alone.
Network Images() {
  NetworkBuilder builder(Shape::Image(3, 6, 5));
  builder.Conv2d("conv", 4, 3).Layer(Table("image", {4, 6, 5})).Add("sum", "image", "conv");
  builder.Layer(Table("channels", {4, 1, 1})).Mul("scaled", "sum", "channels");
  builder.Layer(Table("row", {5, 1})).From("row");
  builder.Layer(Spec("transpose", {{"order", Ints{1, 0}}}, "turned"));
  builder.Layer(Spec("exp", "grown", {"turned"})).Mul("columns", "scaled", "grown");
  builder.Layer(Spec("max", "larger", {"columns", "image"}));
  builder.Layer(
      Spec("constant", {{"shape", Ints{1, 5}}, {"integers", Ints{1, 0, -3, 0, 7}}}, "mask"));
  builder.Layer(Spec("cast", {{"from", "int32"}, {"to", "float32"}}, "real", {"mask"}));
  builder.Layer(Spec("where", "chosen", {"real", "larger", "columns"}));
  builder.Conv2d("conv2", 2, 3).Head("x", ValuesTask({"a", "b"}));
  Network network = builder.Build(3);
  Fill(network);
  return network;
}

TEST(PlanConstants, EqualLayerByLayer) {
  constexpr std::int64_t kBatch = 3;
  const Network network = Images();
  const NetworkState& state = *network.state();
  const std::vector<float> input = NormalFloats(kBatch * 90, 5);
  std::vector<int> outputs = {state.logits(state.heads[0])};
  for (int value = 0; value < static_cast<int>(state.values.size()); ++value) {
    const std::string& name = state.value_name(value);
    if (name == "image" || name == "grown" || name == "mask" || name == "scaled") {
      outputs.push_back(value);
    }
  }
  ASSERT_EQ(outputs.size(), 5u);
  testing::ForEachCpuTarget([&] {
    const auto expected = testing::ReferenceForward(state, kBatch, input);
    const InferencePlan plan(state, {}, outputs, kBatch);
    std::vector<std::vector<float>> got;
    std::vector<float*> places;
    for (const int output : outputs) {
      got.emplace_back(
          static_cast<std::size_t>(kBatch * state.value(output).shape.element_count()));
      places.push_back(got.back().data());
    }
    const float* const from = input.data();
    const auto buffers = plan.MakeRun(1);
    for (int run = 0; run < 2; ++run) {
      plan.Run(kBatch, {&from, 1}, places, *buffers);
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        const auto& reference = expected[static_cast<std::size_t>(outputs[i])];
        if (state.value_name(outputs[i]) == "mask") {
          EXPECT_TRUE(testing::SameBits(got[i], reference));
        } else {
          EXPECT_LE(testing::RelativeNorm(got[i], reference), 1e-5) << i;
        }
      }
    }
  });
}

// An operation for each constant that is read, in each layout; none for what makes it.
TEST(PlanConstants, AreComputedOnce) {
  const Network network = Images();
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, {state.logits(state.heads[0])}, 2);
  const std::string steps = plan.Describe();
  for (const char* gone : {"row\n", "turned", "mask"}) {
    EXPECT_EQ(steps.find(gone), std::string::npos) << gone << " in\n" << steps;
  }
  EXPECT_NE(steps.find("image\nconv + sum\n"), std::string::npos) << steps;
  EXPECT_NE(steps.find("grown\n"), std::string::npos) << steps;
  EXPECT_NE(steps.find("real\n"), std::string::npos) << steps;
}

TEST(PlanConstants, OfANetworkThatReadsNothingElse) {
  NetworkBuilder builder(Shape::Vector(2));
  builder.Layer(Table("table", {3}));
  builder.Head({.name = "x", .from = "table", .layers = {}, .task = ValuesTask({"a"})});
  Network network = builder.Build(1);
  network.WriteParameter("table.value", std::vector<float>{1.0f, 2.0f, 3.0f});
  network.WriteParameter("heads.x.dense.weight", std::vector<float>{1.0f, 10.0f, 100.0f});
  const Predictor predictor(network, {.max_batch_size = 2, .logits = true});
  std::vector<float> outputs(2);
  predictor.Predict(2, std::vector<float>(4, 0.5f), outputs);
  EXPECT_EQ(outputs, (std::vector<float>{321.0f, 321.0f}));
}

// The same texts with less room behind them: the same bits.
TEST(PlanConstants, OfATextHaveItsLength) {
  const auto network = [](std::int64_t length) {
    NetworkBuilder builder({{.name = "ids", .shape = Shape{length}, .type = ElementType::kInt32},
                            {.name = "count", .shape = Shape{1}, .type = ElementType::kInt32}});
    builder.Layer(Spec("embedding", {{"count", std::int64_t{9}}, {"width", std::int64_t{4}}},
                       "words", {"ids"}));
    builder.Layer(Table("places", {length, 4})).Add("sum", "words", "places");
    builder.Layer(Spec("token_pool", "pool", {"sum", "count"}));
    Network result = builder.Head("x", ValuesTask({"a"})).Build(1);
    Fill(result);
    return result;
  };
  const auto predict = [&](std::int64_t length) {
    std::vector<std::int32_t> ids, counts = {3, 5, 0};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      for (std::int32_t j = 0; j < length; ++j) ids.push_back(j < counts[i] ? (j + 2) % 9 : 1);
    }
    const std::vector<InputData> data = {std::span<const std::int32_t>(ids),
                                         std::span<const std::int32_t>(counts)};
    std::vector<float> outputs(3);
    Predictor(network(length), {.max_batch_size = 3, .logits = true})
        .Predict(3, Inputs(std::span<const InputData>(data)), outputs);
    return outputs;
  };
  EXPECT_TRUE(testing::SameBits(predict(5), predict(13)));
}

}  // namespace
}  // namespace espalier
