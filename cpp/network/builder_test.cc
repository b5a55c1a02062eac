// SPDX-License-Identifier: Apache-2.0
#include "espalier/builder.h"

#include <gtest/gtest.h>

#include <map>

#include "testing/layer_spec.h"
#include "testing/messages.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::Spec;

// "name < input input", layer by layer.
std::vector<std::string> Wiring(const NetworkBuilder& builder) {
  const NetworkSpec spec = builder.Build(1).Spec();
  std::vector<std::string> lines;
  for (const LayerSpec& layer : spec.layers) {
    std::string line = layer.name + " <";
    for (const std::string& input : layer.inputs) line += " " + input;
    lines.push_back(line);
  }
  return lines;
}

TEST(NetworkBuilder, ABlocksNamesBeginWithItsOwn) {
  NetworkBuilder builder(Shape::Image(3, 8, 8));
  builder.Conv2d("stem", 4, 3).Relu();
  for (const char* name : {"layer1", "layer2"}) {
    builder.Block(name, [](NetworkBuilder& b) {
      b.Conv2d("conv1", 4, 3).Relu().Conv2d("conv2", 4, 3).Relu();
      b.Add("sum", "conv2", "input").Relu();
    });
  }
  builder.Relu().Add("total", "layer1.sum", "stem").Head("signs", LabelsTask({"a"}));
  EXPECT_EQ(Wiring(builder),
            (std::vector<std::string>{
                "stem < input", "relu1 < stem", "layer1.conv1 < relu1",
                "layer1.relu1 < layer1.conv1", "layer1.conv2 < layer1.relu1",
                "layer1.relu2 < layer1.conv2", "layer1.sum < layer1.conv2 relu1",
                "layer1.relu3 < layer1.sum", "layer2.conv1 < layer1.relu3",
                "layer2.relu1 < layer2.conv1", "layer2.conv2 < layer2.relu1",
                "layer2.relu2 < layer2.conv2", "layer2.sum < layer2.conv2 layer1.relu3",
                "layer2.relu3 < layer2.sum", "relu2 < layer2.relu3", "total < layer1.sum stem"}));
}

TEST(NetworkBuilder, BlocksLookNamesUpFromTheInside) {
  NetworkBuilder builder(Shape::Vector(5));
  builder.Dense("a", 5).Dense("b", 5).From("a").Block("outer", [](NetworkBuilder& outer) {
    outer.Dense("a", 5);
    outer.Block("inner", [](NetworkBuilder& inner) {
      inner.From("input").Dense("c", 5).Add("own", "c", "a").Add("far", "b", "input");
    });
    outer.Add("end", "input", "inner.own");
  });
  builder.Head("signs", LabelsTask({"x"}));
  EXPECT_EQ(Wiring(builder), (std::vector<std::string>{
                                 "a < input", "b < a", "outer.a < a", "outer.inner.c < outer.a",
                                 "outer.inner.own < outer.inner.c outer.a",
                                 "outer.inner.far < b outer.a", "outer.end < a outer.inner.own"}));
}

TEST(NetworkBuilder, ABlockAtTheBeginningHasTheNetworksInput) {
  NetworkBuilder builder(Shape::Vector(5));
  builder.Block("first", [](NetworkBuilder& b) { b.Dense("d", 5).Add("sum", "d", "input"); });
  builder.Head("signs", LabelsTask({"x"}));
  EXPECT_EQ(Wiring(builder),
            (std::vector<std::string>{"first.d < input", "first.sum < first.d input"}));
}

TEST(NetworkBuilder, WantsBlocksWithANameAndLayers) {
  NetworkBuilder builder(Shape::Vector(5));
  EXPECT_EQ(MessageOf(ErrorCode::kInvalidArgument,
                      [&] { builder.Block("", [](NetworkBuilder& b) { b.Relu(); }); }),
            "INVALID_ARGUMENT: block: expected a name, got \"\"");
  EXPECT_EQ(MessageOf(ErrorCode::kInvalidArgument,
                      [&] { builder.Block("empty", [](NetworkBuilder&) {}); }),
            "INVALID_ARGUMENT: block 'empty': expected at least one layer in it, got none");
  EXPECT_THROW(builder.Block("broken", [](NetworkBuilder&) { throw 3; }), int);
  builder.Dense("a", 3).Head("signs", LabelsTask({"x"}));
  EXPECT_EQ(Wiring(builder), (std::vector<std::string>{"a < input"}));
}

TEST(NetworkBuilder, SqueezeExcitationScalesChannels) {
  NetworkBuilder builder(Shape::Image(3, 8, 8));
  builder.Conv2d("stem", 16, 3).Layer(Spec("silu"));
  builder.SqueezeExcitation("se", 16, 4, {.activation = "silu"});
  builder.Block("next", [](NetworkBuilder& b) {
    b.Conv2d("conv", 24, 3);
    b.SqueezeExcitation("se", 24, 8, {.gate = "hard_sigmoid"});
  });
  builder.Head("signs", LabelsTask({"x"}));
  EXPECT_EQ(Wiring(builder),
            (std::vector<std::string>{
                "stem < input", "silu1 < stem", "se.pool < silu1", "se.reduce < se.pool",
                "se.activation < se.reduce", "se.expand < se.activation", "se.gate < se.expand",
                "se < silu1 se.gate", "next.conv < se", "next.se.pool < next.conv",
                "next.se.reduce < next.se.pool", "next.se.activation < next.se.reduce",
                "next.se.expand < next.se.activation", "next.se.gate < next.se.expand",
                "next.se < next.conv next.se.gate"}));
  const Network network = builder.Build(1);
  std::map<std::string, LayerDescription> rows;
  for (const LayerDescription& row : network.Describe()) {
    rows.emplace(row.name, row);
  }
  EXPECT_EQ(rows.at("se.gate").output, Shape::Image(16, 1, 1));
  EXPECT_EQ(rows.at("next.se").output, Shape::Image(24, 8, 8));
  EXPECT_EQ(rows.at("se.activation").kind, "silu");
  EXPECT_EQ(rows.at("next.se.gate").kind, "hard_sigmoid");
}

}  // namespace
}  // namespace espalier
