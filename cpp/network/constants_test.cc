// SPDX-License-Identifier: Apache-2.0

// Constants in a graph: layers that read nothing.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "network/network_state.h"
#include "testing/layer_spec.h"
#include "testing/messages.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::Spec;
using Ints = std::vector<std::int64_t>;

LayerSpec Table(const char* name, const Ints& shape) {
  return Spec("constant", {{"shape", shape}}, name);
}

std::vector<std::string> InputsOf(const Network& network, const std::string& name) {
  for (const LayerSpec& layer : network.Spec().layers) {
    if (layer.name == name) return layer.inputs;
  }
  ADD_FAILURE() << "no layer " << name;
  return {};
}

const GraphValue& ValueOf(const Network& network, const std::string& name) {
  const NetworkState& state = *network.state();
  const auto found = std::find_if(state.values.begin(), state.values.end(), [&](const auto& value) {
    return state.value_name(static_cast<int>(&value - state.values.data())) == name;
  });
  EXPECT_NE(found, state.values.end()) << name;
  return *found;
}

// Layers and heads without named inputs follow the layer before that reads something.
TEST(ConstantsOfANetwork, AreNoLayerBefore) {
  NetworkBuilder builder(Shape::Vector(4));
  builder.Layer(Table("first", {4})).Dense("dense1", 4).Layer(Table("second", {4}));
  builder.Block("block", [](NetworkBuilder& block) {
    block.Layer(Table("own", {4})).Add("sum", "input", "own").Layer(Table("", {1}));
  });
  builder.From("dense1").Layer(Table("third", {4})).Relu().Layer(Table("last", {4}));
  HeadSpec head{.name = "x", .task = ValuesTask({"a"})};
  head.layers = {Table("shift", {4}), Spec("add", "shifted", {"last", "shift"}), Table("end", {2})};
  const Network network = builder.Head(head).Head("y", ValuesTask({"a"})).Build(1);
  EXPECT_TRUE(InputsOf(network, "first").empty());
  EXPECT_EQ(InputsOf(network, "dense1"), std::vector<std::string>{"input"});
  EXPECT_EQ(InputsOf(network, "block.sum"), (std::vector<std::string>{"dense1", "block.own"}));
  EXPECT_TRUE(InputsOf(network, "block.constant1").empty());
  EXPECT_EQ(InputsOf(network, "relu1"), std::vector<std::string>{"dense1"});
  const NetworkSpec spec = network.Spec();
  EXPECT_EQ(spec.heads[0].from, "relu1");
  EXPECT_EQ(spec.heads[1].from, "relu1");
  EXPECT_EQ(network.state()
                ->layers[static_cast<std::size_t>(network.state()->heads[0].output)]
                .input_shapes[0],
            Shape{4});
  const Network again = Network::Build(spec, 1);
  EXPECT_EQ(again.Spec().layers.size(), spec.layers.size());
  EXPECT_EQ(InputsOf(again, "block.sum"), InputsOf(network, "block.sum"));
}

TEST(ConstantsOfANetwork, RefuseInputs) {
  NetworkBuilder builder(Shape::Vector(4));
  builder.Layer(Spec("constant", {{"shape", Ints{4}}}, "table", {"input"}));
  builder.Head("x", ValuesTask({"a"}));
  EXPECT_EQ(MessageOf(ErrorCode::kShapeMismatch, [&] { builder.Build(1); }),
            "SHAPE_MISMATCH: layer 'table' (constant): constant: expected no inputs, got 1");
}

TEST(ConstantsOfANetwork, LieAsWhatTheyAreAddedTo) {
  NetworkBuilder builder(Shape::Image(3, 4, 5));
  builder.Conv2d("conv", 3, 3).Layer(Table("image", {3, 4, 5})).Add("sum", "image", "conv");
  const Network network = builder.Relu().Head("x", ValuesTask({"a"})).Build(1);
  EXPECT_EQ(ValueOf(network, "image").layout, Layout::kRowMajor);
  EXPECT_EQ(ValueOf(network, "sum").layout, Layout::kChannelsLast);
}

TEST(ConstantsOfANetwork, HaveAsManyPositionsAsWhatTheyAreAddedTo) {
  const auto network = [](const Ints& shape) {
    NetworkBuilder builder({{.name = "ids", .shape = Shape{12}, .type = ElementType::kInt32},
                            {.name = "count", .shape = Shape{1}, .type = ElementType::kInt32}});
    builder.Layer(Spec("embedding", {{"count", std::int64_t{9}}, {"width", std::int64_t{4}}},
                       "words", {"ids"}));
    builder.Layer(Table("places", shape)).Add("sum", "words", "places");
    builder.Layer(Spec("token_pool", "pool", {"sum", "count"}));
    return builder.Head("x", ValuesTask({"a"})).Build(1);
  };
  const Network varying = network({12, 4});
  EXPECT_TRUE(ValueOf(varying, "places").length.varies());
  EXPECT_TRUE(ValueOf(varying, "words").length.varies());
  const Network broadcast = network({4});
  EXPECT_FALSE(ValueOf(broadcast, "places").length.varies());
  EXPECT_TRUE(ValueOf(broadcast, "words").length.varies());
}

// What stays has no constant left over for a new head to stand on, or to train.
TEST(ConstantsOfANetwork, GoWithTheirLastReader) {
  NetworkBuilder builder(Shape::Vector(4));
  builder.Dense("dense1", 4).Layer(Table("scale", {4})).Mul("scaled", "dense1", "scale");
  builder.Layer(Table("shift", {4})).From("shift").Layer(Spec("neg", "negated", {}));
  builder.Add("shifted", "scaled", "negated").Mul("again", "shifted", "scale");
  builder.Layer(Table("unread", {4})).Head("x", ValuesTask({"a"}));
  const Network network = builder.Build(1);
  TransferSpec spec;
  spec.drop_from = {"shifted"};
  spec.heads = {{.name = "y", .from = "", .layers = {}, .task = ValuesTask({"b"})}};
  const NetworkSpec left = network.Transfer(spec, 2).Spec();
  std::vector<std::string> names;
  for (const LayerSpec& layer : left.layers) names.push_back(layer.name);
  EXPECT_EQ(names, (std::vector<std::string>{"dense1", "scale", "scaled", "unread"}));
  EXPECT_EQ(left.heads[0].from, "scaled");
}

}  // namespace
}  // namespace espalier
