// SPDX-License-Identifier: Apache-2.0

// Gradients of a whole graph with shared outputs against a float64 twin, and what happens
// between gradient and parameter: clipping, rates, decay.

#include <cmath>
#include <utility>

#include "espalier/builder.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::NamedValues;
using testing::OneHead;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::RelativeNorm;

// h = tanh(W1·x + b1); u = W2·h + b2; c = [h; h + u; h]: h has five consumers, two of them the
// same layer and one a head. "signs" stands on c, "sizes" on h.
NetworkBuilder Shared() {
  NetworkBuilder builder(Shape::Vector(5));
  builder.Dense("dense1", 4)
      .Layer({.name = "h", .kind = "tanh"})
      .Dense("dense2", 4)
      .Add("sum", "h", "dense2")
      .Layer({.name = "c", .kind = "concat", .inputs = {"h", "sum", "h"}})
      .Head("signs", LabelsTask({"a", "b", "c"}))
      .Head({.name = "sizes", .from = "h", .task = ValuesTask({"x", "y"})});
  return builder;
}

using Doubles = std::vector<double>;

Doubles Affine(const Doubles& weight, const Doubles& bias, const Doubles& x) {
  Doubles y = bias;
  for (std::size_t i = 0; i < y.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) y[i] += weight[i * x.size() + j] * x[j];
  }
  return y;
}

double SharedLoss(const std::map<std::string, Doubles>& p, const RandomExamples& examples) {
  const std::vector<TaskTargets> targets = examples.Targets(0, examples.size());
  double loss = 0.0;
  for (std::int64_t row = 0; row < examples.size(); ++row) {
    const auto input = examples.Inputs(row, 1);
    Doubles h = Affine(p.at("dense1.weight"), p.at("dense1.bias"), {input.begin(), input.end()});
    for (double& value : h) value = std::tanh(value);
    const Doubles u = Affine(p.at("dense2.weight"), p.at("dense2.bias"), h);
    Doubles c = h;
    for (std::size_t i = 0; i < h.size(); ++i) c.push_back(h[i] + u[i]);
    c.insert(c.end(), h.begin(), h.end());
    const Doubles signs =
        Affine(p.at("heads.signs.dense.weight"), p.at("heads.signs.dense.bias"), c);
    const Doubles sizes =
        Affine(p.at("heads.sizes.dense.weight"), p.at("heads.sizes.dense.bias"), h);
    for (std::size_t i = 0; i < 3; ++i) {
      const double y = targets[0].values[static_cast<std::size_t>(row) * 3 + i];
      if (!std::isnan(y)) loss += std::log1p(std::exp(signs[i])) - signs[i] * y;
    }
    for (std::size_t i = 0; i < 2; ++i) {
      const double y = targets[1].values[static_cast<std::size_t>(row) * 2 + i];
      if (!std::isnan(y)) loss += (sizes[i] - y) * (sizes[i] - y);
    }
  }
  return loss / static_cast<double>(examples.size());
}

// One SGD step of rate 1: the gradient is what was subtracted.
NamedValues GradientOf(Network& network, const RandomExamples& examples, TrainerConfig config,
                       double* norm = nullptr) {
  const NamedValues before = ParametersOf(network);
  config.max_batch_size = examples.size();
  Trainer trainer(network, config);
  const StepResult& result = trainer.Step(examples.size(), examples.Inputs(0, examples.size()),
                                          examples.Targets(0, examples.size()));
  if (norm != nullptr) *norm = result.gradient_norm;
  NamedValues gradients = ParametersOf(network);
  for (auto& [path, values] : gradients) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = before.at(path)[i] - values[i];
  }
  return gradients;
}

TEST(Gradient, OfAGraphWithSharedOutputsIsRight) {
  Network network = Shared().Build(3);
  const RandomExamples examples(network, 7, 2);
  std::map<std::string, Doubles> point;
  for (const auto& [path, values] : ParametersOf(network)) {
    point[path] = Doubles(values.begin(), values.end());
  }
  double norm = 0.0;
  const NamedValues gradients =
      GradientOf(network, examples, {.optimizer = Sgd{.learning_rate = 1.0}}, &norm);
  double squares = 0.0;
  for (auto& [path, values] : point) {
    Doubles numeric(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double saved = values[i];
      values[i] = saved + 1e-6;
      const double above = SharedLoss(point, examples);
      values[i] = saved - 1e-6;
      const double below = SharedLoss(point, examples);
      values[i] = saved;
      numeric[i] = (above - below) / 2e-6;
      squares += numeric[i] * numeric[i];
    }
    EXPECT_LE(RelativeNorm(gradients.at(path), numeric), 1e-5) << path;
  }
  EXPECT_NEAR(norm, std::sqrt(squares), 1e-5 * std::sqrt(squares));
}

// Pooling overtakes an activation, but not one behind which a dropout of nothing stands.
TEST(Gradient, OfAnActivationThatPoolingOvertakesIsThatOfOneInPlace) {
  const auto gradients = [](const std::string& kind, bool has_norm, bool is_overtaken) {
    NetworkBuilder builder(Shape::Image(3, 9, 8));
    builder.Conv2d("conv1", 6, 3);
    if (has_norm) builder.BatchNorm("norm1");
    builder.Layer({.name = "active", .kind = kind});
    if (!is_overtaken) builder.Dropout(0.0);
    builder
        .Layer({.name = "pool",
                .kind = "max_pool2d",
                .attributes = {{"window", std::int64_t{3}}, {"stride", std::int64_t{2}}}})
        .Conv2d("conv2", 5, 3)
        .Head("signs", LabelsTask({"a", "b", "c"}));
    Network network = builder.Build(3);
    const RandomExamples examples(network, 6, 2);
    return GradientOf(network, examples, {.optimizer = Sgd{.learning_rate = 1.0}});
  };
  for (const char* kind : {"relu", "relu6", "leaky_relu", "sigmoid", "tanh", "hard_sigmoid", "elu",
                           "selu", "softplus", "mish"}) {
    for (const bool has_norm : {false, true}) {
      const NamedValues expected = gradients(kind, has_norm, /*is_overtaken=*/false);
      for (const auto& [path, values] : gradients(kind, has_norm, /*is_overtaken=*/true)) {
        const Doubles in_place(expected.at(path).begin(), expected.at(path).end());
        EXPECT_LE(RelativeNorm(values, in_place), 1e-6) << kind << " " << path;
      }
    }
  }
}

// A convolution or a dense layer applies what follows it, but not behind a dropout of nothing.
TEST(Gradient, OfAFusedActivationIsThatOfOneWithAPassOfItsOwn) {
  const auto gradients = [](const std::string& kind, const Attributes& attributes, bool is_fused) {
    NetworkBuilder builder(Shape::Image(3, 6, 5));
    builder.Conv2d("conv1", 5, 3);
    if (!is_fused) builder.Dropout(0.0);
    builder.Layer({.name = "act1", .kind = kind, .attributes = attributes}).Dense("dense1", 7);
    if (!is_fused) builder.Dropout(0.0);
    builder.Layer({.name = "act2", .kind = kind, .attributes = attributes});
    builder.Head("signs", LabelsTask({"a", "b", "c"}));
    Network network = builder.Build(3);
    const RandomExamples examples(network, 6, 2);
    return GradientOf(network, examples, {.optimizer = Sgd{.learning_rate = 1.0}});
  };
  const std::pair<const char*, Attributes> kinds[] = {{"relu", {}},
                                                      {"leaky_relu", {{"slope", 0.3}}},
                                                      {"elu", {{"alpha", 0.4}}},
                                                      {"hard_sigmoid", {}},
                                                      {"selu", {}},
                                                      {"softplus", {}},
                                                      {"hard_swish", {}},
                                                      {"mish", {}}};
  for (const auto& [kind, attributes] : kinds) {
    const NamedValues expected = gradients(kind, attributes, /*is_fused=*/false);
    for (const auto& [path, values] : gradients(kind, attributes, /*is_fused=*/true)) {
      const Doubles apart(expected.at(path).begin(), expected.at(path).end());
      EXPECT_LE(RelativeNorm(values, apart), 1e-6) << kind << " " << path;
    }
  }
}

// An activation writes its gradient over the one it is given, but not where that is the sum's or
// another reader's, too; behind a dropout of nothing it is its own.
TEST(Gradient, OfActivationsThatSumsReadIsThatOfCopies) {
  const auto gradients = [](bool are_copied) {
    NetworkBuilder builder(Shape::Vector(6));
    const auto activation = [&](const std::string& kind, const std::string& of) {
      const std::string name = kind + "_of_" + of;
      builder.Layer({.name = name, .kind = kind, .inputs = {of}});
      if (!are_copied) return name;
      builder.Layer({.name = name + "_copy",
                     .kind = "dropout",
                     .inputs = {name},
                     .attributes = {{"rate", 0.0}}});
      return name + "_copy";
    };
    builder.Dense("dense1", 7).Dense("dense2", 7);
    const std::string gelu = activation("gelu", "dense1");
    const std::string silu = activation("silu", "dense2");
    builder.Add("sum1", gelu, silu).Dense("dense3", 7);
    builder.Add("sum2", "dense3", gelu);
    const std::string tanh = activation("tanh", "sum2");
    builder.Add("sum3", tanh, "sum2").Add("sum4", "sum3", "dense2");
    builder.Head("signs", LabelsTask({"a", "b", "c"}));
    Network network = builder.Build(3);
    const RandomExamples examples(network, 6, 2);
    return GradientOf(network, examples, {.optimizer = Sgd{.learning_rate = 1.0}});
  };
  const NamedValues expected = gradients(/*are_copied=*/true);
  for (const auto& [path, values] : gradients(/*are_copied=*/false)) {
    const Doubles copies(expected.at(path).begin(), expected.at(path).end());
    EXPECT_LE(RelativeNorm(values, copies), 1e-6) << path;
  }
}

// Heads and dense layers flatten what they get in the public order, however it lies.
TEST(Gradient, OfAHeadOnAnImageIsThatOfAHeadOnTheFlattenedImage) {
  const auto build = [](bool is_flattened) {
    NetworkBuilder builder(Shape::Image(3, 5, 4));
    builder.Normalize({0.1, 0.2, 0.3}, {0.5, 1.5, 2.0}).Conv2d("conv1", 6, 3).Relu();
    if (is_flattened) builder.Flatten();
    builder.Head("signs", LabelsTask({"a", "b", "c"}));
    return builder.Build(3);
  };
  Network image = build(false);
  Network vector = build(true);
  for (const auto& [path, values] : ParametersOf(image)) vector.WriteParameter(path, values);
  const RandomExamples examples(image, 7, 2);
  const TrainerConfig config = {.optimizer = Sgd{.learning_rate = 1.0}};
  const NamedValues expected = GradientOf(vector, examples, config);
  for (const auto& [path, gradient] : GradientOf(image, examples, config)) {
    EXPECT_LE(RelativeNorm(gradient, expected.at(path)), 1e-6) << path;
    EXPECT_GT(RelativeNorm(gradient, std::vector<float>(gradient.size())), 1e-3) << path;
  }
}

TEST(Gradient, FrozenLayersDoNotChangeTheOthersGradients) {
  const TrainerConfig config = {.optimizer = Sgd{.learning_rate = 1.0}};
  Network open = Shared().Build(3);
  const RandomExamples examples(open, 7, 2);
  const NamedValues expected = GradientOf(open, examples, config);
  Network frozen = Shared().Build(3);
  frozen.Freeze({.pattern = "dense2"});
  frozen.Freeze({.pattern = "heads.sizes.dense"});
  const NamedValues gradients = GradientOf(frozen, examples, config);
  for (const char* path : {"dense1.weight", "dense1.bias", "heads.signs.dense.weight"}) {
    EXPECT_EQ(gradients.at(path), expected.at(path)) << path;
  }
  for (const float value : gradients.at("dense2.weight")) EXPECT_EQ(value, 0.0f);
}

TEST(Gradient, IsClippedToTheNorm) {
  double norm = 0.0;
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, 16, 3);
  const NamedValues plain =
      GradientOf(network, examples, {.optimizer = Sgd{.learning_rate = 1.0}}, &norm);
  for (const double limit : {norm / 3, norm * 3}) {
    Network clipped_network = OneHead().Build(5);
    double clipped_norm = 0.0;
    const NamedValues clipped =
        GradientOf(clipped_network, examples,
                   {.optimizer = Sgd{.learning_rate = 1.0}, .clip_norm = limit}, &clipped_norm);
    EXPECT_EQ(clipped_norm, norm);  // as reported: before clipping
    const double scale = std::min(1.0, limit / norm);
    for (const auto& [path, values] : plain) {
      std::vector<double> expected;
      for (const float value : values) expected.push_back(scale * value);
      EXPECT_LE(RelativeNorm(clipped.at(path), expected), 1e-5) << path;
    }
  }
}

TEST(Gradient, IsClippedByValueBeforeItsNormIsTaken) {
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, 16, 3);
  const NamedValues plain = GradientOf(network, examples, {.optimizer = Sgd{.learning_rate = 1.0}});
  constexpr double kLimit = 0.01;
  double squares = 0.0;
  std::map<std::string, Doubles> expected;
  for (const auto& [path, values] : plain) {
    for (const float value : values) {
      const double clamped = std::min(std::max<double>(value, -kLimit), kLimit);
      expected[path].push_back(clamped);
      squares += clamped * clamped;
    }
  }
  for (const bool with_norm : {false, true}) {
    Network clipped_network = OneHead().Build(5);
    TrainerConfig config = {.optimizer = Sgd{.learning_rate = 1.0}, .clip_value = kLimit};
    if (with_norm) config.clip_norm = 0.5 * std::sqrt(squares);
    const NamedValues clipped = GradientOf(clipped_network, examples, config);
    for (const auto& [path, values] : expected) {
      Doubles scaled = values;
      for (double& value : scaled) value *= with_norm ? 0.5 : 1.0;
      EXPECT_LE(RelativeNorm(clipped.at(path), scaled), 2e-5) << path;
    }
  }
}

TEST(Gradient, RatesFallFromOutputToInput) {
  Network plain_network = OneHead().Build(5);
  const RandomExamples examples(plain_network, 16, 3);
  const NamedValues plain =
      GradientOf(plain_network, examples, {.optimizer = Sgd{.learning_rate = 1.0}});
  Network network = OneHead().Build(5);
  network.SetLearningRateScale("dense2", 3.0);
  const NamedValues scaled =
      GradientOf(network, examples, {.optimizer = Sgd{.learning_rate = 1.0}, .layer_decay = 0.5});
  const std::pair<const char*, double> factors[] = {
      {"heads.signs.dense", 1.0}, {"dense2", 0.5 * 3.0}, {"dense1", 0.25}};
  for (const auto& [layer, factor] : factors) {
    for (const char* name : {".weight", ".bias"}) {
      Doubles expected;
      for (const float value : plain.at(std::string(layer) + name)) {
        expected.push_back(factor * value);
      }
      EXPECT_LE(RelativeNorm(scaled.at(std::string(layer) + name), expected), 1e-5) << layer;
    }
  }
}

TEST(Gradient, DecayIsForWeightsUnlessAsked) {
  for (const bool all : {false, true}) {
    Network network = testing::ThreeHeads().Build(5);
    network.WriteParameter("conv2.bias", std::vector<float>(9, 1.0f));
    const NamedValues before = ParametersOf(network);
    const RandomExamples examples(network, 16, 3, 0.0);
    Trainer trainer(network, {.optimizer = AdamW{.learning_rate = 1e-3, .weight_decay = 500.0},
                              .max_batch_size = 16,
                              .decay_biases_and_norms = all});
    trainer.Step(16, examples.Inputs(0, 16), examples.Targets(0, 16));
    // w -= rate · decay · w halves what decays; Adam's own step is about the rate.
    const auto moved_to = [&](const char* path) {
      return network.ReadParameter(path)[0] / before.at(path)[0];
    };
    EXPECT_NEAR(moved_to("conv2.bias"), all ? 0.5 : 1.0, 2e-3);
    EXPECT_NEAR(moved_to("norm1.weight"), all ? 0.5 : 1.0, 2e-3);
    EXPECT_LT(std::abs(moved_to("dense1.weight")), 0.75);
  }
}

TEST(Gradient, ScheduleSetsTheRate) {
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, 4, 3);
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.5},
                            .schedule = {.kind = ScheduleKind::kExponential, .decay = 0.5}});
  for (const double expected : {0.5, 0.25, 0.125}) {
    EXPECT_DOUBLE_EQ(trainer.Step(4, examples.Inputs(0, 4), examples.Targets(0, 4)).learning_rate,
                     expected);
  }
}

}  // namespace
}  // namespace espalier
