// SPDX-License-Identifier: Apache-2.0
#include "network/transfer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "espalier/builder.h"
#include "testing/layer_spec.h"
#include "testing/messages.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::Spec;
using Fate = LayerDescription::Fate;

Network Garments() {
  NetworkBuilder builder(Shape::Image(1, 8, 8));
  builder.Conv2d("conv1", 4, 3).BatchNorm("norm1").Relu().Conv2d("conv2", 4, 3).Relu();
  builder.Dense("features", 6).Relu().Head("garment", ClassesTask(10));
  builder.From("conv1").Head("side", LabelsTask({"s"}));
  return builder.Build(42);
}

HeadSpec Finding() {
  HeadSpec head;
  head.name = "finding";
  head.layers = {Spec("dense", {{"units", std::int64_t{8}}}), Spec("relu")};
  head.task = LabelsTask({"pneumonia", "effusion"});
  return head;
}

std::map<std::string, LayerDescription> Rows(const std::vector<LayerDescription>& rows) {
  std::map<std::string, LayerDescription> by_name;
  for (const LayerDescription& row : rows) {
    by_name.emplace(row.name, row);
  }
  return by_name;
}

void ExpectSameParameters(const Network& a, const Network& b) {
  for (const ParameterDescription& parameter : a.Parameters()) {
    EXPECT_EQ(a.ReadParameter(parameter.path), b.ReadParameter(parameter.path)) << parameter.path;
  }
}

bool IsZero(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return value == 0.0f; });
}

TEST(Transfer, ANewHeadOnAFrozenBackboneStartsAtZeros) {
  const Network network = Garments();
  TransferSpec spec;
  spec.heads = {Finding()};
  const auto output = [&] {
    return network.Transfer(spec, 7).ReadParameter("heads.finding.dense.weight");
  };
  EXPECT_FALSE(IsZero(output()));  // the backbone learns, too
  spec.freeze = {{.pattern = "features", .through = true}};
  EXPECT_TRUE(IsZero(output()));
  EXPECT_FALSE(IsZero(network.Transfer(spec, 7).ReadParameter("heads.finding.dense1.weight")));
  spec.unfreeze = {{.pattern = "conv2"}};
  EXPECT_FALSE(IsZero(output()));
  spec.unfreeze.clear();
  spec.heads[0].initializer = "small_normal";
  EXPECT_FALSE(IsZero(output()));
}

TEST(Transfer, KeptHeadsKeepTheirWeights) {
  const Network network = Garments();
  TransferSpec spec;
  spec.freeze = {{.pattern = "*"}};
  spec.heads = {Finding()};
  const Network transferred = network.Transfer(spec, 7);
  EXPECT_FALSE(IsZero(transferred.ReadParameter("heads.garment.dense.weight")));
  ExpectSameParameters(network, network.Transfer({.freeze = spec.freeze}, 7));
}

TEST(Transfer, NothingToDoIsACopy) {
  const Network network = Garments();
  const Network copy = network.Transfer({}, 99);
  EXPECT_EQ(copy.Parameters().size(), network.Parameters().size());
  ExpectSameParameters(network, copy);
}

TEST(Transfer, SwapsAHeadAndFreezesTheRest) {
  Network network = Garments();
  network.WriteParameter("norm1.running_mean", std::vector<float>{1, 2, 3, 4});
  const Network before = network.Clone();
  TransferSpec spec;
  spec.drop_heads = {"garment"};
  spec.freeze = {{.pattern = "features", .through = true}};
  spec.heads = {Finding()};
  const Network xray = network.Transfer(spec, 7);
  ExpectSameParameters(before, network);  // the original is untouched
  EXPECT_FALSE(network.Describe()[0].is_frozen);
  const auto rows = Rows(xray.Describe());
  EXPECT_FALSE(rows.contains("heads.garment.dense"));
  EXPECT_TRUE(rows.contains("heads.side.dense"));
  EXPECT_TRUE(rows.at("conv1").is_frozen);
  EXPECT_TRUE(rows.at("features").is_frozen);
  EXPECT_FALSE(rows.at("heads.finding.dense1").is_frozen);
  EXPECT_EQ(xray.Spec().heads[1].from, "relu3");  // the last backbone layer
  EXPECT_EQ(xray.ReadParameter("norm1.running_mean"), (std::vector<float>{1, 2, 3, 4}));
  for (const ParameterDescription& parameter : xray.Parameters()) {
    if (parameter.path.rfind("heads.finding", 0) != 0) {
      EXPECT_EQ(xray.ReadParameter(parameter.path), network.ReadParameter(parameter.path));
    }
  }
}

TEST(Transfer, InputsMayHaveOtherShapesWhereParametersDoNot) {
  NetworkBuilder builder(Shape::Image(2, 8, 8));
  builder.Conv2d("conv1", 4, 3).BatchNorm("norm1").Relu();
  builder.Layer(Spec("global_average_pool2d", "pool", {}));
  const Network network = builder.Head("garment", ClassesTask(3)).Build(42);
  TransferSpec spec;
  spec.input_shapes = {{.name = "", .shape = Shape::Image(2, 13, 5)}};
  const Network larger = network.Transfer(spec, 7);
  ExpectSameParameters(network, larger);
  EXPECT_EQ(larger.Spec().inputs[0].shape, Shape::Image(2, 13, 5));
  EXPECT_EQ(Rows(network.ExplainTransfer(spec)).at("conv1").output, Shape::Image(4, 13, 5));
  EXPECT_EQ(network.Spec().inputs[0].shape, Shape::Image(2, 8, 8));

  const auto message = [](const Network& of, const Shape& shape, const char* name) {
    const bool is_known = std::string_view(name) != "imput";
    const ErrorCode code = is_known ? ErrorCode::kShapeMismatch : ErrorCode::kInvalidArgument;
    return MessageOf(code, [&] {
      TransferSpec wrong;
      wrong.input_shapes = {{.name = name, .shape = shape}};
      of.Transfer(wrong, 7);
    });
  };
  EXPECT_EQ(message(Garments(), Shape::Image(1, 9, 8), ""),
            "SHAPE_MISMATCH: input of another shape: expected parameters of the shapes that they "
            "have, got "
            "'features.weight' of [6, 288] for [6, 256]; drop layer 'features' (dropFrom), or take "
            "a network that pools before it");
  EXPECT_EQ(message(network, Shape::Image(3, 8, 8), "input"),
            "SHAPE_MISMATCH: input of another shape: expected parameters of the shapes that they "
            "have, got "
            "'conv1.weight' of [4, 3, 3, 3] for [4, 2, 3, 3]; drop layer 'conv1' (dropFrom), or "
            "take a network that pools before it");
  EXPECT_NE(message(network, Shape{4}, "").find("conv1"), std::string::npos);
  EXPECT_EQ(
      message(network, Shape{4}, "imput"),
      "INVALID_ARGUMENT: input of another shape: expected an input's name, got 'imput', which "
      "no input has; did you mean 'input'?");
}

TEST(Transfer, ANewHeadOfAnOldNameStartsAfresh) {
  const Network network = Garments();
  TransferSpec spec;
  spec.drop_heads = {"garment"};
  HeadSpec head;
  head.name = "garment";
  head.task = ClassesTask(10);
  spec.heads = {head};
  const Network same_seed = network.Transfer(spec, 42);
  const Network other_seed = network.Transfer(spec, 43);
  EXPECT_NE(other_seed.ReadParameter("heads.garment.dense.weight"),
            network.ReadParameter("heads.garment.dense.weight"));
  EXPECT_EQ(same_seed.ReadParameter("heads.garment.dense.weight"),
            network.ReadParameter("heads.garment.dense.weight"));  // same seed, same path
  const auto rows = network.ExplainTransfer(spec);
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(),
                          [](const auto& row) { return row.name == "heads.garment.dense"; }),
            2);  // the dropped one and the new one
}

TEST(Transfer, DropFromTakesDescendantsAndTheirHeads) {
  const Network network = Garments();
  TransferSpec spec;
  spec.drop_from = {"conv2"};
  const Network trunk = network.Transfer(spec, 1);
  const auto rows = Rows(trunk.Describe());
  EXPECT_EQ(rows.size(), 4u);
  EXPECT_TRUE(rows.contains("relu1"));
  EXPECT_FALSE(rows.contains("features"));
  EXPECT_FALSE(rows.contains("heads.garment.dense"));
  EXPECT_TRUE(rows.contains("heads.side.dense"));  // stands on conv1

  spec.drop_heads = {"side"};
  EXPECT_EQ(network.Transfer(spec, 1).Spec().heads.size(), 0u);  // a backbone is a network
  spec.drop_from = {"conv1"};
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.Transfer(spec, 1); });  // nothing is left
}

TEST(Transfer, AHeadOnAHeadGoesWithIt) {
  NetworkBuilder builder(Shape::Vector(4));
  builder.Dense("trunk", 4).Head(Finding());
  HeadSpec second;
  second.name = "second";
  second.from = "heads.finding.relu1";
  second.task = LabelsTask({"x"});
  builder.Head(second).From("trunk").Head("third", LabelsTask({"y"}));
  const Network network = builder.Build(1);
  TransferSpec spec;
  spec.drop_from = {"heads.finding.dense1"};
  const NetworkSpec left = network.Transfer(spec, 1).Spec();
  ASSERT_EQ(left.heads.size(), 1u);
  EXPECT_EQ(left.heads[0].name, "third");
}

TEST(Transfer, OrderOfEntriesDoesNotMatter) {
  const Network network = Garments();
  HeadSpec extra;
  extra.name = "extra";
  extra.task = LabelsTask({"e"});
  TransferSpec spec;
  spec.drop_heads = {"garment", "side"};
  spec.freeze = {{.pattern = "features", .through = true},
                 {.pattern = "relu*"},
                 {.pattern = "norm*", .adapt_statistics = true},
                 {.pattern = "features", .through = true, .adapt_statistics = true}};
  spec.unfreeze = {{.pattern = "features"}, {.pattern = "conv2"}};
  spec.learning_rates = {{"conv*", 0.1}, {"conv1", 0.01}, {"features", 0.5}};
  spec.heads = {Finding(), extra};
  TransferSpec reversed = spec;
  std::reverse(reversed.drop_heads.begin(), reversed.drop_heads.end());
  std::reverse(reversed.freeze.begin(), reversed.freeze.end());
  std::reverse(reversed.unfreeze.begin(), reversed.unfreeze.end());
  std::reverse(reversed.learning_rates.begin(), reversed.learning_rates.end());
  std::reverse(reversed.heads.begin(), reversed.heads.end());
  const Network one = network.Transfer(spec, 5);
  const Network other = network.Transfer(reversed, 5);
  ExpectSameParameters(one, other);
  const auto rows = Rows(one.Describe());
  const auto others = Rows(other.Describe());
  ASSERT_EQ(rows.size(), others.size());
  for (const auto& [name, row] : rows) {
    EXPECT_EQ(row.is_frozen, others.at(name).is_frozen) << name;
    EXPECT_EQ(row.adapts_statistics, others.at(name).adapts_statistics) << name;
    EXPECT_EQ(row.learning_rate_scale, others.at(name).learning_rate_scale) << name;
  }
  EXPECT_TRUE(rows.at("conv1").is_frozen);
  EXPECT_FALSE(rows.at("conv2").is_frozen);  // unfreezing wins
  EXPECT_TRUE(rows.at("norm1").adapts_statistics);
  EXPECT_EQ(rows.at("conv1").learning_rate_scale, 0.01);  // a name goes before a pattern
  EXPECT_EQ(rows.at("conv2").learning_rate_scale, 0.1);
}

TEST(Transfer, ContradictingRatesAreRefused) {
  const Network network = Garments();
  TransferSpec spec;
  spec.learning_rates = {{"conv*", 0.1}, {"*1", 0.2}};
  const std::string message =
      MessageOf(ErrorCode::kInvalidArgument, [&] { network.Transfer(spec, 1); });
  EXPECT_NE(message.find("conv1"), std::string::npos) << message;
  // A name does not settle what they contradict each other in, wherever it stands.
  spec.learning_rates = {{"conv*", 0.1}, {"conv1", 0.01}, {"*1", 0.2}};
  EXPECT_NE(MessageOf(ErrorCode::kInvalidArgument, [&] { network.Transfer(spec, 1); })
                .find("expected one scale for layer 'conv1'"),
            std::string::npos);
  spec.learning_rates = {{"conv*", 0.1}, {"*1", 0.1}};
  EXPECT_NO_THROW(network.Transfer(spec, 1));
}

TEST(Transfer, AHeadThatIsNotThereIsAnsweredByThoseThatAre) {
  const Network network = Garments();
  TransferSpec spec;
  spec.drop_heads = {"nose"};
  EXPECT_NE(MessageOf(ErrorCode::kInvalidArgument, [&] { network.Transfer(spec, 1); })
                .find("there are 'garment' and 'side'"),
            std::string::npos);
}

TEST(Transfer, UnknownNamesListNearOnes) {
  const Network network = Garments();
  const auto message = [&](const TransferSpec& spec) {
    const std::string text =
        MessageOf(ErrorCode::kInvalidArgument, [&] { network.Transfer(spec, 1); });
    MessageOf(ErrorCode::kInvalidArgument, [&] { network.ExplainTransfer(spec); });
    return text;
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  TransferSpec heads;
  heads.drop_heads = {"garmet"};
  EXPECT_TRUE(contains(message(heads), "head to drop: expected a head's name, got 'garmet'"));
  EXPECT_TRUE(contains(message(heads), "'garment'"));
  TransferSpec from;
  from.drop_from = {"conv3"};
  EXPECT_TRUE(contains(message(from), "layer to drop from: expected a layer's name"));
  EXPECT_TRUE(contains(message(from), "'conv1'"));
  TransferSpec freeze;
  freeze.freeze = {{.pattern = "featuers"}};
  EXPECT_TRUE(contains(message(freeze), "'features'"));
  TransferSpec unfreeze;
  unfreeze.unfreeze = {{.pattern = "featuers"}};
  EXPECT_TRUE(contains(message(unfreeze), "'features'"));
  TransferSpec adapt;
  adapt.freeze = {{.pattern = "nrm1", .adapt_statistics = true}};
  EXPECT_TRUE(contains(message(adapt), "'norm1'"));
  adapt.freeze = {{.pattern = "conv1", .adapt_statistics = true}};
  EXPECT_TRUE(contains(message(adapt), "batch_norm"));
  TransferSpec rates;
  rates.learning_rates = {{"convv1", 1.0}};
  EXPECT_TRUE(contains(message(rates), "'conv1'"));
  TransferSpec dropped;
  dropped.drop_from = {"features"};
  dropped.heads = {Finding()};
  dropped.heads[0].from = "features";
  EXPECT_TRUE(contains(message(dropped), "which this transfer drops"));
  TransferSpec twice;
  twice.heads = {Finding(), Finding()};
  EXPECT_TRUE(contains(message(twice), "named twice"));
  TransferSpec kept;
  kept.heads = {Finding()};
  kept.heads[0].name = "garment";
  EXPECT_TRUE(contains(message(kept), "head 'garment': expected a name that no kept head has"));
  kept.drop_heads = {"garment"};
  network.Transfer(kept, 1);
}

TEST(Transfer, ExplainTellsEveryFate) {
  const Network network = Garments();
  TransferSpec spec;
  spec.drop_from = {"features"};
  spec.freeze = {{.pattern = "conv*"}};
  spec.heads = {Finding()};
  const std::vector<LayerDescription> rows = network.ExplainTransfer(spec);
  const auto by_name = Rows(rows);
  EXPECT_EQ(by_name.at("conv1").fate, Fate::kKept);
  EXPECT_TRUE(by_name.at("conv1").is_frozen);
  EXPECT_EQ(by_name.at("features").fate, Fate::kDropped);
  EXPECT_EQ(by_name.at("heads.garment.dense").fate, Fate::kDropped);
  EXPECT_EQ(by_name.at("heads.garment.dense").head, "garment");
  EXPECT_EQ(by_name.at("heads.finding.dense").fate, Fate::kNew);
  EXPECT_EQ(by_name.at("heads.finding.dense1").parameter_count, 4 * 64 * 8 + 8);
  const Network made = network.Transfer(spec, 1);
  std::vector<std::string> expected;
  for (const LayerDescription& row : rows) {
    if (row.fate != Fate::kDropped) {
      expected.push_back(row.name);
    }
  }
  std::vector<std::string> names;
  for (const LayerDescription& row : made.Describe()) {
    names.push_back(row.name);
  }
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace espalier
