// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "espalier/builder.h"
#include "network/parameter_layout.h"
#include "testing/layer_spec.h"
#include "testing/messages.h"

namespace espalier {
namespace {

using testing::Spec;

struct Moments {
  double mean, variance, largest;
};

Moments MomentsOf(const std::vector<float>& values) {
  Moments moments{0.0, 0.0, 0.0};
  for (const float value : values) {
    moments.mean += value;
    moments.largest = std::max(moments.largest, std::abs(static_cast<double>(value)));
  }
  moments.mean /= static_cast<double>(values.size());
  for (const float value : values) {
    moments.variance += (value - moments.mean) * (value - moments.mean);
  }
  moments.variance /= static_cast<double>(values.size());
  return moments;
}

TEST(Initialization, FollowsTheActivation) {
  NetworkBuilder builder(Shape::Vector(200));
  builder.Dense("before_relu", 400).BatchNorm().Relu();
  builder.Dense("before_tanh", 300).Dropout(0.1).Layer(Spec("tanh"));
  builder.Head("h", LabelsTask({"x", "y"}));
  const Network network = builder.Build(3);
  const Moments he = MomentsOf(network.ReadParameter("before_relu.weight"));
  EXPECT_NEAR(he.mean, 0.0, 0.002);
  EXPECT_NEAR(he.variance / (2.0 / 200), 1.0, 0.03);
  EXPECT_GT(he.largest, 3.0 * std::sqrt(2.0 / 200));  // normal: it has tails
  const Moments glorot = MomentsOf(network.ReadParameter("before_tanh.weight"));
  EXPECT_NEAR(glorot.variance / (2.0 / (400 + 300)), 1.0, 0.03);
  EXPECT_LE(glorot.largest, std::sqrt(6.0 / (400 + 300)));  // uniform: it has none
  const Moments output = MomentsOf(network.ReadParameter("heads.h.dense.weight"));
  EXPECT_LE(output.largest, 1.0 / std::sqrt(300));
  EXPECT_EQ(network.ReadParameter("before_relu.bias"), std::vector<float>(400, 0.0f));
  EXPECT_EQ(network.ReadParameter("batch_norm1.weight"), std::vector<float>(400, 1.0f));
  EXPECT_EQ(network.ReadParameter("batch_norm1.running_var"), std::vector<float>(400, 1.0f));
}

TEST(Initialization, FollowsTheActivationOfTransposedConvolutionsAndSequences) {
  const Attributes convolution = {{"channels", std::int64_t{64}}, {"kernel", std::int64_t{3}}};
  NetworkBuilder builder(Shape::Image(32, 4, 4));
  builder.Layer(Spec("conv_transpose2d", convolution, "picture"));
  builder.Layer(Spec("group_norm", {{"groups", std::int64_t{4}}, {"affine", true}}));
  builder.Layer(Spec("tanh"));
  builder.Layer(Spec("reshape", {{"shape", std::vector<std::int64_t>{64, -1}}}));
  builder.Layer(Spec("conv1d", convolution, "sequence")).Relu().Head("h", LabelsTask({"x", "y"}));
  const Network network = builder.Build(3);
  const Moments glorot = MomentsOf(network.ReadParameter("picture.weight"));
  EXPECT_NEAR(glorot.variance / (2.0 / (9.0 * (32 + 64))), 1.0, 0.03);
  const Moments he = MomentsOf(network.ReadParameter("sequence.weight"));
  EXPECT_NEAR(he.variance / (2.0 / (3.0 * 64)), 1.0, 0.05);
}

TEST(Initialization, AnExplicitInitializerStays) {
  NetworkBuilder builder(Shape::Vector(50));
  builder.Layer(Spec(
      "dense", {{"units", std::int64_t{60}}, {"initializer", std::string("lecun_uniform")}}, "d"));
  builder.Layer(Spec("sigmoid"));
  const Network network = builder.Build(3);
  const Moments moments = MomentsOf(network.ReadParameter("d.weight"));
  EXPECT_NEAR(moments.variance / (1.0 / 50), 1.0, 0.1);
}

TEST(Initialization, OutputLayersStartAtZerosWhereOnlyTheHeadLearns) {
  const auto weight = [](NetworkSpec spec, std::string initializer) {
    spec.heads[0].initializer = std::move(initializer);
    return MomentsOf(Network::Build(spec, 3).ReadParameter("heads.h.dense.weight"));
  };
  NetworkBuilder linear(Shape::Vector(300));
  linear.Layer(Spec("layer_norm")).Head("h", LabelsTask({"x", "y"}));
  EXPECT_EQ(weight(linear.spec(), "").largest, 0.0);
  EXPECT_NEAR(weight(linear.spec(), "small_normal").variance / 1e-4, 1.0, 0.2);
  EXPECT_NEAR(weight(linear.spec(), "standard_uniform").variance * 3 * 300, 1.0, 0.2);
  NetworkBuilder deep(Shape::Vector(20));
  deep.Dense("d", 300).Relu().Head("h", LabelsTask({"x", "y"}));
  EXPECT_NEAR(weight(deep.spec(), "").variance * 3 * 300, 1.0, 0.2);
  EXPECT_EQ(weight(deep.spec(), "zeros").largest, 0.0);
  NetworkSpec frozen = deep.spec();
  frozen.layers[0].frozen = true;
  EXPECT_EQ(weight(frozen, "").largest, 0.0);
  EXPECT_NEAR(weight(frozen, "he_normal").variance / (2.0 / 300), 1.0, 0.2);
}

TEST(Initialization, AnUnknownInitializerOfAHeadNamesItsLayer) {
  NetworkSpec spec = NetworkBuilder(Shape::Vector(2)).Head("h", LabelsTask({"x"})).spec();
  spec.heads[0].initializer = "zero";
  const std::string message =
      testing::MessageOf(ErrorCode::kInvalidArgument, [&] { Network::Build(spec, 1); });
  EXPECT_NE(message.find("'heads.h.dense'"), std::string::npos) << message;
  EXPECT_NE(message.find("did you mean 'zeros'"), std::string::npos) << message;
}

TEST(Initialization, DependsOnPathAndSeedAlone) {
  NetworkBuilder one(Shape::Vector(8));
  one.Dense("a", 8).Dense("b", 8);
  NetworkBuilder other(Shape::Vector(8));
  other.Dense("b", 8).Dense("between", 8).Dense("a", 8);
  const Network first = one.Build(1);
  const Network second = other.Build(1);
  EXPECT_EQ(first.ReadParameter("a.weight"), second.ReadParameter("a.weight"));
  EXPECT_EQ(first.ReadParameter("b.weight"), second.ReadParameter("b.weight"));
  EXPECT_NE(first.ReadParameter("a.weight"), first.ReadParameter("b.weight"));
  EXPECT_NE(first.ReadParameter("a.weight"), one.Build(2).ReadParameter("a.weight"));
}

TEST(ParameterLayout, HeadsOfOneInputLieSideBySide) {
  NetworkBuilder builder(Shape::Vector(5));
  builder.Dense("trunk", 7);
  builder.From("trunk").Head("a", LabelsTask({"1", "2", "3"}));
  builder.From("input").Head("b", ClassesTask(4));
  builder.From("trunk").Head("c", ValuesTask({"1", "2"}));
  const Network network = builder.Build(1);
  const NetworkState& state = *network.state();
  const std::vector<HeadGroup> groups = HeadGroups(state);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].heads, (std::vector<int>{1}));
  EXPECT_TRUE(state.is_input(groups[0].input));
  EXPECT_EQ(groups[0].width, 4);
  EXPECT_EQ(groups[1].heads, (std::vector<int>{0, 2}));
  EXPECT_EQ(groups[1].input, state.layers[0].output);
  EXPECT_EQ(groups[1].width, 5);
  const auto offset = [&](const std::string& path) {
    for (const GraphParameter& parameter : state.parameters) {
      if (parameter.path == path) {
        return parameter.offset;
      }
    }
    return std::int64_t{-1};
  };
  EXPECT_EQ(offset("heads.a.dense.weight"), groups[1].first_weight);
  EXPECT_EQ(offset("heads.c.dense.weight"), groups[1].first_weight + 3 * 7);
  EXPECT_EQ(offset("heads.a.dense.bias"), groups[1].first_bias);
  EXPECT_EQ(offset("heads.c.dense.bias"), groups[1].first_bias + 3);
  EXPECT_EQ(groups[1].first_weight % 16, 0);
  EXPECT_EQ(groups[1].first_bias % 16, 0);
  EXPECT_EQ(offset("trunk.bias") % 16, 0);
}

TEST(ParameterLayout, NoTwoParametersOverlap) {
  NetworkBuilder builder(Shape::Image(3, 5, 5));
  builder.Conv2d("c", 3, 3).BatchNorm("n").Dense("d", 17);
  builder.Head("a", LabelsTask({"1"})).Head("b", LabelsTask({"1", "2"})).Head("c", ClassesTask(3));
  const Network network = builder.Build(1);
  const NetworkState& state = *network.state();
  std::vector<std::pair<std::int64_t, std::int64_t>> places;
  for (const GraphParameter& parameter : state.parameters) {
    places.emplace_back(parameter.offset, parameter.offset + parameter.shape.element_count());
  }
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i) {
    EXPECT_LE(places[i - 1].second, places[i].first);
  }
  EXPECT_LE(places.back().second, state.parameter_floats.size());
}

}  // namespace
}  // namespace espalier
