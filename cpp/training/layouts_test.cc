// SPDX-License-Identifier: Apache-2.0

// Values that one layer makes channels last and another reads row-major, or the other way round.

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "inference/inference_plan.h"
#include "testing/layer_spec.h"
#include "testing/normal_floats.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"

namespace espalier {
namespace {

using testing::NormalFloats;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::Spec;

constexpr std::int64_t kBatch = 6;
const std::vector<std::int64_t> kImage = {4, 5, 3};

LayerSpec Conv(const std::string& name, const std::string& input) {
  return Spec("conv2d", {{"channels", std::int64_t{4}}, {"kernel", std::int64_t{3}}}, name,
              {input});
}

// Two convolutions that each take part in a sum; if `moves`, with row-major layers between, which
// change no value.
Network TwoConvolutions(bool moves) {
  NetworkBuilder builder(Shape::Image(2, 5, 3));
  builder.Layer(Conv("conv1", "input"));
  builder.Layer(Spec("tanh", "act1", {"conv1"}));
  if (moves) {
    builder.Layer(Spec("reshape", {{"shape", kImage}}, "same1", {"act1"}));
    builder.Layer(Spec("reshape", {{"shape", kImage}}, "same2", {"conv1"}));
  }
  builder.Layer(Conv("conv2", moves ? "same1" : "act1"));
  builder.Add("sum", "conv2", moves ? "same2" : "conv1");
  builder.Layer(Spec("gelu", "act2", {"sum"}));
  builder.Head("signs", LabelsTask({"a", "b", "c"}));
  return builder.Build(3);
}

std::vector<float> Predict(const Network& network, std::int64_t batch,
                           const std::vector<float>& inputs) {
  const Predictor predictor(network, {.logits = true});
  std::vector<float> outputs(static_cast<std::size_t>(batch * predictor.output_size()));
  predictor.Predict(batch, inputs, outputs);
  return outputs;
}

TEST(Layouts, MovesChangeNoBitOfPredictionsAndTraining) {
  Network plain = TwoConvolutions(false);
  Network moved = TwoConvolutions(true);
  const std::vector<float> inputs = NormalFloats(kBatch * 2 * 5 * 3, {.seed = 5});
  // Sums are fused into convolutions in one network and not in the other.
  EXPECT_LE(testing::RelativeNorm(Predict(moved, kBatch, inputs), Predict(plain, kBatch, inputs)),
            1e-6);
  const RandomExamples examples(plain, kBatch, 4);
  {
    Trainer one(plain, {.max_batch_size = kBatch});
    Trainer other(moved, {.max_batch_size = kBatch});
    for (int step = 0; step < 3; ++step) {
      const auto targets = examples.Targets(0, kBatch);
      const double loss = one.Step(kBatch, examples.Inputs(0, kBatch), targets).loss;
      EXPECT_EQ(other.Step(kBatch, examples.Inputs(0, kBatch), targets).loss, loss);
    }
  }
  EXPECT_EQ(ParametersOf(plain), ParametersOf(moved));
}

TEST(Layouts, AValueIsMovedOnceForAllItsReaders) {
  NetworkBuilder builder(Shape::Image(2, 5, 3));
  builder.Layer(Conv("conv1", "input"));
  builder.Layer(Spec("reshape", {{"shape", kImage}}, "a", {"conv1"}));
  builder.Layer(Spec("reshape", {{"shape", kImage}}, "b", {"conv1"}));
  builder.Add("sum", "a", "b");
  builder.Layer(Conv("conv2", "sum"));
  builder.Head("signs", LabelsTask({"a"}));
  const Network network = builder.Build(1);
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, {state.logits(state.heads[0])}, 2);
  EXPECT_EQ(plan.Describe(),
            "channels last\nconv1\nrow-major\na\nb\nsum\nchannels last\nconv2\n"
            "heads.signs.dense\n");
}

// A vector lies alike in both layouts: what it is multiplied with says how the product lies.
TEST(Layouts, VectorsFollowWhatTheyMeet) {
  NetworkBuilder builder(
      {{.name = "scale", .shape = Shape::Vector(4)}, {.name = "tokens", .shape = Shape{3, 4}}});
  builder.Layer(Spec("layer_norm", {{"per_position", true}}, "norm", {"tokens"}));
  builder.Layer(Spec("mul", "scaled", {"scale", "norm"}));
  builder.Layer(Spec("token_pool", "pool", {"scaled"}));
  builder.Head("signs", LabelsTask({"a"}));
  const Network network = builder.Build(1);
  const NetworkState& state = *network.state();
  const InferencePlan plan(state, {}, {state.logits(state.heads[0])}, 2);
  EXPECT_EQ(plan.Describe(), "norm\nscaled\npool\nheads.signs.dense\n");
}

// The tokens of a text enter, are normalized by one mean and leave as they lie.
TEST(Layouts, RowMajorInputsAreReadAsTheyLie) {
  NetworkBuilder builder(Shape{3, 4});
  builder.Normalize({0.5}, {2.0});
  builder.Layer(Spec("layer_norm", {{"per_position", true}}, "norm"));
  const Network network = builder.Build(1);
  const NetworkState& state = *network.state();
  EXPECT_EQ(state.values[0].layout, Layout::kRowMajor);
  const Predictor predictor(network, {.layers = {"norm"}});
  EXPECT_EQ(predictor.output_size(), 12);
  const std::vector<float> inputs = NormalFloats(2 * 12, {.seed = 5});
  std::vector<float> outputs(2 * 12);
  predictor.Predict(2, inputs, outputs);
  for (std::size_t row = 0; row < 6; ++row) {
    double sum = 0.0;
    for (std::size_t i = 0; i < 4; ++i) sum += outputs[row * 4 + i];
    EXPECT_NEAR(sum, 0.0, 1e-5);  // the rows of 4 were normalized, not columns of 3
    EXPECT_EQ(outputs[row * 4] < outputs[row * 4 + 1], inputs[row * 4] < inputs[row * 4 + 1]);
  }
}

TEST(Layouts, GradientsStopAtLayersWithoutABackwardPass) {
  NetworkBuilder builder(Shape{3, 4});
  builder.Layer(Spec("dense", {{"units", std::int64_t{5}}, {"per_position", true}}, "scores"));
  builder.Layer(Spec("arg_max", {}, "best"));
  builder.Layer(
      Spec("embedding", {{"count", std::int64_t{5}}, {"width", std::int64_t{6}}}, "words"));
  builder.Head("signs", LabelsTask({"a"}));
  Network network = builder.Build(1);
  const std::vector<float> before = network.ReadParameter("scores.weight");
  const std::vector<float> words = network.ReadParameter("words.weight");
  const std::vector<float> inputs = NormalFloats(4 * 12, {.seed = 5});
  const std::vector<float> labels = {1, 0, 1, 0};
  const std::vector<TaskTargets> targets = {{.values = labels}};
  {
    Trainer trainer(network, {.max_batch_size = 4});
    for (int step = 0; step < 3; ++step) trainer.Step(4, inputs, targets);
  }
  // No gradient comes from behind integers: what makes them stays, what reads them learns.
  EXPECT_EQ(network.ReadParameter("scores.weight"), before);
  EXPECT_NE(network.ReadParameter("words.weight"), words);
}

}  // namespace
}  // namespace espalier
