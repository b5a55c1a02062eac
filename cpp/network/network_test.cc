// SPDX-License-Identifier: Apache-2.0
#include "espalier/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "espalier/builder.h"
#include "network/network_state.h"
#include "testing/layer_spec.h"
#include "testing/messages.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::Spec;

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

NetworkBuilder SmallBuilder() {
  NetworkBuilder builder(Shape::Image(1, 8, 8));
  builder.Conv2d("conv1", 4, 3).Relu().MaxPool2d(2).Conv2d("", 6, 3).Relu().Dense("features", 5);
  builder.Relu().Head("garment", ClassesTask(10));
  return builder;
}

std::vector<std::string> Names(const Network& network) {
  std::vector<std::string> names;
  for (const LayerDescription& row : network.Describe()) {
    names.push_back(row.name);
  }
  return names;
}

TEST(Network, NamesShapesAndCounts) {
  const Network network = SmallBuilder().Build(1);
  EXPECT_EQ(Names(network),
            (std::vector<std::string>{"conv1", "relu1", "max_pool2d1", "conv2d1", "relu2",
                                      "features", "relu3", "heads.garment.dense"}));
  const std::vector<LayerDescription> rows = network.Describe();
  EXPECT_EQ(rows[0].output, Shape::Image(4, 8, 8));
  EXPECT_EQ(rows[0].parameter_count, 4 * 9 + 4);
  EXPECT_EQ(rows[2].output, Shape::Image(4, 4, 4));
  EXPECT_EQ(rows[5].parameter_count, 6 * 16 * 5 + 5);
  EXPECT_EQ(rows[7].head, "garment");
  EXPECT_EQ(rows[7].output, Shape::Vector(10));
  EXPECT_EQ(rows[0].head, "");
  EXPECT_GE(network.NativeBytes(), 4 * (40 + 222 + 485 + 60));
}

TEST(Network, SpecBuildsTheSameNetworkAgain) {
  NetworkBuilder builder(Shape::Image(3, 8, 8));
  builder.Normalize({0.5}, {0.1, 0.2, 0.3}).Conv2d("a", 4, 3).Relu().From("a").BatchNorm("b");
  builder.Add("sum", "relu1", "b").Dropout(0.25);
  HeadSpec head;
  head.name = "deep";
  head.from = "sum";
  head.layers = {Spec("dense", {{"units", std::int64_t{7}}}), Spec("tanh"),
                 Spec("concat", "both", {"dense1", "tanh1"})};
  head.task = LabelsTask({"x", "y"});
  head.frozen = true;
  head.initializer = "small_normal";
  builder.Head(head).Head("wide", ValuesTask({"v"}));
  Network network = builder.Build(5);
  network.Freeze({.pattern = "b"}, true);
  network.SetLearningRateScale("a", 0.5);
  const Network again = Network::Build(network.Spec(), 5);
  EXPECT_EQ(Names(again), Names(network));
  const std::vector<LayerDescription> rows = network.Describe();
  const std::vector<LayerDescription> rows_again = again.Describe();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].kind, rows_again[i].kind);
    EXPECT_EQ(rows[i].output, rows_again[i].output);
    EXPECT_EQ(rows[i].is_frozen, rows_again[i].is_frozen);
    EXPECT_EQ(rows[i].adapts_statistics, rows_again[i].adapts_statistics);
    EXPECT_EQ(rows[i].learning_rate_scale, rows_again[i].learning_rate_scale);
    EXPECT_EQ(network.state()->layers[i].inputs, again.state()->layers[i].inputs);
  }
  for (const ParameterDescription& parameter : network.Parameters()) {
    EXPECT_EQ(network.ReadParameter(parameter.path), again.ReadParameter(parameter.path));
  }
  ASSERT_TRUE(again.Spec().inputs[0].normalization.has_value());
  EXPECT_EQ(again.Spec().inputs[0].normalization->std, (std::vector<double>{0.1, 0.2, 0.3}));
  EXPECT_EQ(again.Spec().heads[1].from, "dropout1");
  EXPECT_EQ(again.Spec().heads[0].initializer, "small_normal");
}

TEST(Network, MismatchNamesLayerExpectedAndGot) {
  NetworkBuilder builder(Shape::Image(1, 8, 8));
  builder.Conv2d("a", 4, 3).Conv2d("b", 5, 3).Add("sum", "a", "b");
  const std::string message = MessageOf(ErrorCode::kShapeMismatch, [&] { builder.Build(1); });
  EXPECT_TRUE(Contains(message, "layer 'sum' (add)")) << message;
  EXPECT_TRUE(Contains(message, "[4, 8, 8]")) << message;
  EXPECT_TRUE(Contains(message, "[5, 8, 8]")) << message;
  EXPECT_EQ(message.rfind("SHAPE_MISMATCH"), 0u) << message;  // the code once, in front

  NetworkBuilder flat(Shape::Vector(10));
  flat.Conv2d("a", 4, 3);
  EXPECT_TRUE(Contains(MessageOf(ErrorCode::kShapeMismatch, [&] { flat.Build(1); }), "'a'"));
}

TEST(Network, WrongAttributesNameTheLayer) {
  NetworkBuilder builder(Shape::Vector(3));
  builder.Dense("d", -1);
  EXPECT_TRUE(
      Contains(MessageOf(ErrorCode::kInvalidArgument, [&] { builder.Build(1); }), "layer 'd'"));
  NetworkBuilder unknown(Shape::Vector(3));
  unknown.Layer(Spec("dens", "x", {}));
  EXPECT_TRUE(
      Contains(MessageOf(ErrorCode::kInvalidArgument, [&] { unknown.Build(1); }), "layer 'x'"));
}

TEST(Network, InputsMustBeEarlierLayers) {
  NetworkBuilder typo(Shape::Vector(3));
  typo.Dense("first", 3).From("frist").Relu();
  const std::string near = MessageOf(ErrorCode::kInvalidArgument, [&] { typo.Build(1); });
  EXPECT_TRUE(Contains(near, "did you mean 'first'")) << near;
  EXPECT_TRUE(Contains(near, "'relu1'")) << near;

  NetworkBuilder later(Shape::Vector(3));
  later.From("b").Dense("a", 3).From("a").Dense("b", 3);
  const std::string order = MessageOf(ErrorCode::kInvalidArgument, [&] { later.Build(1); });
  EXPECT_TRUE(Contains(order, "layer 'a'") && Contains(order, "'b', which stands later")) << order;

  NetworkBuilder itself(Shape::Vector(3));
  itself.From("a").Dense("a", 3);
  EXPECT_TRUE(Contains(MessageOf(ErrorCode::kInvalidArgument, [&] { itself.Build(1); }), "itself"));

  NetworkBuilder head(Shape::Vector(3));
  head.Dense("trunk", 3).From("trnk").Head("h", LabelsTask({"x"}));
  EXPECT_TRUE(Contains(MessageOf(ErrorCode::kInvalidArgument, [&] { head.Build(1); }), "'trunk'"));
}

TEST(Network, NamesMustBeUnique) {
  NetworkBuilder twice(Shape::Vector(3));
  twice.Dense("a", 3).Dense("a", 3);
  EXPECT_TRUE(
      Contains(MessageOf(ErrorCode::kInvalidArgument, [&] { twice.Build(1); }), "named twice"));
  NetworkBuilder heads(Shape::Vector(3));
  heads.Head("h", LabelsTask({"x"})).Head("h", LabelsTask({"y"}));
  EXPECT_TRUE(
      Contains(MessageOf(ErrorCode::kInvalidArgument, [&] { heads.Build(1); }), "named twice"));
  NetworkBuilder reserved(Shape::Vector(3));
  reserved.Dense("heads.h.dense", 3).Head("h", LabelsTask({"x"}));
  EXPECT_TRUE(
      Contains(MessageOf(ErrorCode::kInvalidArgument, [&] { reserved.Build(1); }), "named twice"));
}

TEST(Network, NormalizationIsChecked) {
  const auto build = [](std::vector<double> mean, std::vector<double> std) {
    NetworkBuilder builder(Shape::Image(3, 4, 4));
    builder.Normalize(std::move(mean), std::move(std)).Flatten();
    builder.Build(1);
  };
  EXPECT_NO_THROW(build({0.0}, {1.0}));
  EXPECT_NO_THROW(build({0.0, 0.1, 0.2}, {1.0}));
  MessageOf(ErrorCode::kShapeMismatch, [&] { build({0.0, 0.1}, {1.0}); });
  MessageOf(ErrorCode::kShapeMismatch, [&] { build({0.0}, {}); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { build({0.0}, {0.0}); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { build({0.0}, {-1.0}); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { build({0.0}, {std::nan("")}); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { build({0.0}, {1e-300}); });
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { build({std::numeric_limits<double>::infinity()}, {1.0}); });
}

TEST(Network, EmptyAndOversizedAreRefused) {
  MessageOf(ErrorCode::kInvalidArgument, [] { Network::Build(NetworkSpec{}, 1); });
  NetworkSpec many;
  many.layers.resize(100'001, Spec("relu"));
  MessageOf(ErrorCode::kInvalidArgument, [&] { Network::Build(many, 1); });
  // 2^20 × 2^20 weights: refused by arithmetic, before any memory is asked for.
  NetworkBuilder wide(Shape::Vector(1 << 20));
  wide.Dense("a", 1 << 20).Dense("b", 1 << 20);
  MessageOf(ErrorCode::kInvalidArgument, [&] { wide.Build(1); });
}

TEST(Network, OnlyHeadsIsANetworkToo) {
  NetworkBuilder builder(Shape::Vector(3));
  builder.Head("h", LabelsTask({"x", "y"}));
  const Network network = builder.Build(1);
  EXPECT_EQ(Names(network), (std::vector<std::string>{"heads.h.dense"}));
  EXPECT_EQ(network.Spec().heads[0].from, "input");
}

TEST(Network, AHeadStandsOnTheLayerJustNamedOrTheLastOfTheBackbone) {
  NetworkBuilder builder(Shape::Vector(3));
  builder.Dense("", 4).Relu().Head("first", LabelsTask({"x"})).Dense("", 5).Relu();
  builder.Head("second", LabelsTask({"y"})).From("relu1").Head("early", LabelsTask({"z"}));
  const NetworkSpec spec = builder.Build(1).Spec();
  EXPECT_EQ(spec.heads[0].from, "relu2");
  EXPECT_EQ(spec.heads[1].from, "relu2");
  EXPECT_EQ(spec.heads[2].from, "relu1");
}

TEST(Network, ParametersByPath) {
  Network network = SmallBuilder().Build(1);
  std::set<std::string> paths;
  for (const ParameterDescription& parameter : network.Parameters()) {
    paths.insert(parameter.path);
  }
  EXPECT_TRUE(paths.contains("conv1.weight"));
  EXPECT_TRUE(paths.contains("heads.garment.dense.bias"));
  const std::vector<float> values = {1, 2, 3, 4};
  network.WriteParameter("conv1.bias", values);
  EXPECT_EQ(network.ReadParameter("conv1.bias"), values);
  EXPECT_TRUE(Contains(
      MessageOf(ErrorCode::kInvalidArgument, [&] { network.ReadParameter("conv1.weigth"); }),
      "conv1.weight"));
  EXPECT_TRUE(Contains(
      MessageOf(ErrorCode::kShapeMismatch, [&] { network.WriteParameter("conv1.weight", values); }),
      "[4, 1, 3, 3]"));
}

TEST(Network, NoParameterIsEverNanOrInfinite) {
  Network network = SmallBuilder().Build(1);
  const std::vector<float> before = network.ReadParameter("conv1.bias");
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const std::string message = MessageOf(ErrorCode::kNonFinite, [&] {
      network.WriteParameter("conv1.bias", std::vector<float>{1, 2, bad, 4});
    });
    EXPECT_TRUE(Contains(message, "'conv1.bias'")) << message;
    EXPECT_TRUE(Contains(message, "at place 2")) << message;
    EXPECT_EQ(network.ReadParameter("conv1.bias"), before);
  }
}

TEST(Network, ThresholdsAreOfAHeadAndItsLabels) {
  NetworkBuilder builder(Shape::Vector(2));
  builder.Head("trait", LabelsTask({"a", "b"})).Head("digit", ClassesTask(2));
  Network network = builder.Build(1);
  const std::vector<double> two = {0.25, 0.75};
  network.SetThresholds("trait", two);
  EXPECT_EQ(network.Spec().heads[0].task.thresholds, two);
  EXPECT_TRUE(Contains(
      MessageOf(ErrorCode::kInvalidArgument, [&] { network.SetThresholds("traits", two); }),
      "trait, digit, got 'traits'; did you mean 'trait'?"));
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.SetThresholds("digit", two); });
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { network.SetThresholds("trait", std::vector<double>{0.5}); });
  EXPECT_EQ(network.Spec().heads[0].task.thresholds, two) << "a refusal changes nothing";
}

TEST(Network, ThresholdsOfAllHeadsAreSetTogetherOrNotAtAll) {
  NetworkBuilder builder(Shape::Vector(2));
  builder.Head("a", LabelsTask({"x", "y"}))
      .Head("digit", ClassesTask(2))
      .Head("b", LabelsTask({"z"}));
  Network network = builder.Build(1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  network.SetThresholds(std::vector<double>{0.25, 0.75, nan, nan, nan});
  network.SetThresholds(std::vector<double>{nan, nan, nan, nan, 0.125});
  const std::vector<double> two = {0.25, 0.75};
  EXPECT_EQ(network.Spec().heads[0].task.thresholds, two);
  EXPECT_EQ(network.Spec().heads[1].task.thresholds, std::vector<double>());
  EXPECT_EQ(network.Spec().heads[2].task.thresholds, std::vector<double>{0.125});
  for (const std::vector<double>& wrong : std::vector<std::vector<double>>{
           {0, 0, nan, nan, 1.5}, {0, 0, 0, 0, 0}, {0, nan, nan, nan, nan}}) {
    MessageOf(ErrorCode::kInvalidArgument, [&] { network.SetThresholds(wrong); });
  }
  MessageOf(ErrorCode::kShapeMismatch, [&] { network.SetThresholds(std::vector<double>{0, 0}); });
  EXPECT_EQ(network.Spec().heads[0].task.thresholds, two) << "a refusal changes nothing";
}

TEST(Network, LogitsOfAllHeadsAreScaledTogetherOrNotAtAll) {
  NetworkBuilder builder(Shape::Vector(2));
  builder.Head("a", LabelsTask({"x", "y"})).Head("b", ClassesTask(2));
  Network network = builder.Build(1);
  network.WriteParameter("heads.a.dense.weight", std::vector<float>{1, 2, 3, 4});
  network.WriteParameter("heads.a.dense.bias", std::vector<float>{5, -0.0f});
  network.WriteParameter("heads.b.dense.weight", std::vector<float>{6, 7, 8, 9});
  network.Freeze({.pattern = "heads.b.dense"});
  const std::uint64_t structure = network.state()->structure_version;
  const std::uint64_t values = network.state()->values_version;
  network.ScaleLogits(std::vector<double>{2, 1, 0.5, 0.5}, std::vector<double>{-1, 0, 0, 3});
  EXPECT_NE(network.state()->structure_version, structure) << "a prefix is stale";
  const std::uint64_t stale = network.state()->structure_version;
  network.ScaleLogits(std::vector<double>{1, 1, 1, 1}, std::vector<double>(4, 0.0));
  EXPECT_EQ(network.state()->structure_version, stale) << "what is frozen stays as it is";
  EXPECT_NE(network.state()->values_version, values);
  const auto expect = [&] {
    EXPECT_EQ(network.ReadParameter("heads.a.dense.weight"), (std::vector<float>{2, 4, 3, 4}));
    EXPECT_EQ(network.ReadParameter("heads.a.dense.bias"), (std::vector<float>{9, 0}));
    EXPECT_TRUE(std::signbit(network.ReadParameter("heads.a.dense.bias")[1]));
    EXPECT_EQ(network.ReadParameter("heads.b.dense.weight"),
              (std::vector<float>{3, 3.5f, 4, 4.5f}));
    EXPECT_EQ(network.ReadParameter("heads.b.dense.bias"), (std::vector<float>{0, 3}));
  };
  expect();
  const std::vector<double> four(4, 2.0);
  MessageOf(ErrorCode::kShapeMismatch, [&] { network.ScaleLogits(four, std::vector{1.0, 2.0}); });
  MessageOf(ErrorCode::kInvalidArgument, [&] {
    network.ScaleLogits(four,
                        std::vector<double>{0, 0, 0, std::numeric_limits<double>::infinity()});
  });
  expect();
}

TEST(Network, ScalingThatOverflowsChangesNothing) {
  Network network = NetworkBuilder(Shape::Vector(2)).Head("a", LabelsTask({"x", "y"})).Build(1);
  const std::vector<float> weights = {1, 2, 3e38f, 4};
  network.WriteParameter("heads.a.dense.weight", weights);
  network.SetThresholds("a", std::vector<double>{0.25, 0.75});
  const std::string message = MessageOf(ErrorCode::kNonFinite, [&] {
    network.ScaleLogits(std::vector<double>{2, 2}, std::vector<double>{0, 0});
  });
  EXPECT_TRUE(Contains(message, "'a', output 1")) << message;
  EXPECT_EQ(network.ReadParameter("heads.a.dense.weight"), weights);
  EXPECT_EQ(network.Spec().heads[0].task.thresholds, (std::vector<double>{0.25, 0.75}));
}

TEST(Network, ScalingKeepsWhatSetThresholdsSay) {
  NetworkBuilder builder(Shape::Vector(1));
  Network network =
      builder.Head("a", LabelsTask({"w", "x", "y", "z"})).Head("b", LabelsTask({"u"})).Build(1);
  network.SetThresholds("a", std::vector<double>{0.2, 0.0, 1.0, 0.7});
  network.ScaleLogits(std::vector<double>{2, 3, 0.5, 1, 2}, std::vector<double>{1, 1, 1, 0, 5});
  const std::vector<double> now = network.Spec().heads[0].task.thresholds;
  // logit(0.2) = ln(1/4); twice that and 1 more: odds of e/16.
  const double odds = std::exp(1.0) / 16.0;
  EXPECT_NEAR(now[0], odds / (1.0 + odds), 1e-15);
  EXPECT_EQ(now[1], 0.0);
  EXPECT_EQ(now[2], 1.0);
  EXPECT_EQ(now[3], 0.7);
  EXPECT_TRUE(network.Spec().heads[1].task.thresholds.empty()) << "never set: 0.5 as before";
}

TEST(Network, CloneIsIndependent) {
  Network network = SmallBuilder().Build(1);
  const Network clone = network.Clone();
  EXPECT_EQ(clone.ReadParameter("conv1.weight"), network.ReadParameter("conv1.weight"));
  network.WriteParameter("conv1.bias", std::vector<float>{1, 2, 3, 4});
  network.Freeze({.pattern = "conv1"});
  EXPECT_EQ(clone.ReadParameter("conv1.bias"), std::vector<float>(4, 0.0f));
  EXPECT_FALSE(clone.Describe()[0].is_frozen);
}

TEST(Network, DescribesThePaddingOfWindows) {
  NetworkBuilder builder(Shape::Image(1, 8, 8));
  const auto layer = [&](const char* kind, Attributes attributes) {
    LayerSpec spec;
    spec.kind = kind;
    spec.attributes = std::move(attributes);
    builder.Layer(spec);
  };
  const std::int64_t three = 3;
  using Sides = std::vector<std::int64_t>;
  layer("conv2d", {{"channels", three}, {"kernel", three}});
  layer("conv2d", {{"channels", three}, {"kernel", three}, {"padding", Sides{0, 1, 0, 1}}});
  layer("max_pool2d", {{"window", three}, {"padding", Sides{1}}});
  layer("relu", {});
  builder.Head("h", LabelsTask({"x"}));
  const auto rows = builder.Build(1).Describe();
  EXPECT_EQ(rows[0].padding, "same");
  EXPECT_EQ(rows[1].padding, "0, 1, 0, 1");
  EXPECT_EQ(rows[2].padding, "1");
  EXPECT_EQ(rows[3].padding, "");
}

TEST(Network, AMovedFromNetworkSaysSo) {
  Network network = SmallBuilder().Build(1);
  const Network other = std::move(network);
  MessageOf(ErrorCode::kInvalidState, [&] { network.Describe(); });
  EXPECT_EQ(other.Describe().size(), 8u);
}

TEST(Network, WhileAnotherTrainsNothingElseWorks) {
  Network network = SmallBuilder().Build(1);
  std::thread trainer([&] { network.state()->access.BeginTraining("train"); });
  trainer.join();
  MessageOf(ErrorCode::kBusy, [&] { network.Clone(); });
  MessageOf(ErrorCode::kBusy, [&] { network.Transfer({}, 1); });
  MessageOf(ErrorCode::kBusy, [&] { network.ExplainTransfer({}); });
  MessageOf(ErrorCode::kBusy, [&] { network.Freeze({.pattern = "*"}); });
  MessageOf(ErrorCode::kBusy, [&] { network.Unfreeze({.pattern = "*"}); });
  MessageOf(ErrorCode::kBusy, [&] { network.SetLearningRateScale("*", 1.0); });
  MessageOf(ErrorCode::kBusy, [&] { network.Spec(); });
  MessageOf(ErrorCode::kBusy, [&] { network.Describe(); });
  MessageOf(ErrorCode::kBusy, [&] { network.Parameters(); });
  MessageOf(ErrorCode::kBusy, [&] { network.ReadParameter("conv1.bias"); });
  MessageOf(ErrorCode::kBusy, [&] { network.WriteParameter("conv1.bias", std::vector<float>(4)); });
  network.state()->access.EndTraining();
  EXPECT_NO_THROW(network.Clone());
}

}  // namespace
}  // namespace espalier
