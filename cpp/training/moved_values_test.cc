// SPDX-License-Identifier: Apache-2.0

// Layers that move values about, in plans: a network that moves them there and back predicts and
// learns as one without.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "testing/layer_spec.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"

namespace espalier {
namespace {

using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::RelativeNorm;
using testing::Spec;

using Ints = std::vector<std::int64_t>;
using Layers = std::vector<LayerSpec>;

// A convolution to [6, 5, 4], whatever leaves that as it is, another convolution and a head.
Network Build(const Layers& layers) {
  NetworkBuilder builder(Shape::Image(3, 5, 4));
  builder.Normalize({0.1, 0.2, 0.3}, {0.5, 1.5, 2.0}).Conv2d("conv1", 6, 3).Relu();
  for (const LayerSpec& layer : layers) builder.Layer(layer);
  builder.Conv2d("conv2", 4, 3).Head("signs", LabelsTask({"a", "b", "c"}));
  return builder.Build(3);
}

std::vector<float> PredictionsOf(const Network& network, const RandomExamples& examples) {
  Predictor predictor(network, {.max_batch_size = examples.size()});
  std::vector<float> outputs(static_cast<std::size_t>(examples.size() * predictor.output_size()));
  const auto inputs = examples.Inputs(0, examples.size());
  predictor.Predict(examples.size(), inputs, outputs);
  return outputs;
}

NamedValues AfterAStep(Network& network, const RandomExamples& examples) {
  Trainer trainer(network,
                  {.optimizer = Sgd{.learning_rate = 1.0}, .max_batch_size = examples.size()});
  trainer.Step(examples.size(), examples.Inputs(0, examples.size()),
               examples.Targets(0, examples.size()));
  return ParametersOf(network);
}

TEST(MovedValues, ThereAndBackChangeNothing) {
  const std::vector<Layers> detours = {
      {Spec("reshape", {{"shape", Ints{6, -1}}}), Spec("transpose", {{"order", Ints{1, 0}}}),
       Spec("transpose", {{"order", Ints{1, 0}}}), Spec("reshape", {{"shape", Ints{6, 5, 4}}})},
      {Spec("unsqueeze", {{"axes", Ints{0, -1}}}), Spec("squeeze")},
      {Spec("expand", {{"shape", Ints{2, -1, -1, -1}}}),
       Spec("reduce", {{"axes", Ints{0}}, {"reduction", "mean"}})},
      {Spec("resize", {{"scale", 2.0}, {"mode", "nearest"}}),
       Spec("average_pool2d", {{"window", std::int64_t{2}}})},
      {Spec("pad", {{"before", Ints{1, 2, 0}}, {"mode", "edge"}}),
       Spec("slice", {{"begin", Ints{1, 2, 0}}, {"end", Ints{-1, -2, 4}}})},
      {Spec("gather", {{"indices", Ints{3, 0, 5, 1, 4, 2}}}),
       Spec("gather", {{"indices", Ints{1, 3, 5, 0, 4, 2}}})},
      {Spec("slice", {{"begin", Ints{0, 3, 0}}}, "below", {"relu1"}),
       Spec("slice", {{"begin", Ints{0, 0, 0}}, {"end", Ints{6, 3, 4}}}, "above", {"relu1"}),
       Spec("concat", {{"axis", std::int64_t{1}}}, "whole", {"above", "below"})},
      {Spec("cast", {{"from", "float32"}, {"to", "float32"}})},
  };
  Network plain = Build({});
  const RandomExamples examples(plain, 7, 2);
  const std::vector<float> predictions = PredictionsOf(plain, examples);
  const NamedValues start = ParametersOf(plain);
  const NamedValues expected = AfterAStep(plain, examples);
  for (const Layers& layers : detours) {
    SCOPED_TRACE(layers[0].kind);
    Network network = Build(layers);
    for (const auto& [path, values] : start) network.WriteParameter(path, values);
    EXPECT_LE(RelativeNorm(PredictionsOf(network, examples), predictions), 1e-6);
    for (const auto& [path, values] : AfterAStep(network, examples)) {
      EXPECT_LE(RelativeNorm(values, expected.at(path)), 1e-6) << path;
      EXPECT_GT(RelativeNorm(values, start.at(path)), 1e-4) << path;
    }
  }
}

}  // namespace
}  // namespace espalier
