// SPDX-License-Identifier: Apache-2.0
#include "files/learned_tensors.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "espalier/builder.h"
#include "testing/layer_spec.h"

namespace espalier {
namespace {

using Shapes = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

struct Outcome {
  std::map<std::string, std::string> tensors;  // by parameters
  std::map<std::string, WeightEvidence> evidence;
  std::string problems;
};

// Of all parameters but those of heads.
Outcome Learn(const Network& network, const Shapes& shapes) {
  const NetworkState& state = *network.state();
  std::vector<int> parameters;
  for (std::size_t i = 0; i < state.parameters.size(); ++i) {
    if (!state.parameters[i].path.starts_with("heads.")) parameters.push_back(static_cast<int>(i));
  }
  std::vector<SafetensorsTensor> tensors;
  for (const auto& [name, shape] : shapes) tensors.push_back({.name = name, .shape = shape});
  std::vector<const SafetensorsTensor*> pointers;
  for (const SafetensorsTensor& tensor : tensors) pointers.push_back(&tensor);
  const LearnedTensors learned = LearnTensors(state, parameters, pointers);
  Outcome outcome;
  for (const LearnedTensors::Pair& pair : learned.pairs) {
    const std::string& path = state.parameters[static_cast<std::size_t>(pair.parameter)].path;
    EXPECT_TRUE(outcome.tensors.emplace(path, pair.tensor->name).second) << path;
    outcome.evidence[path] = pair.evidence;
  }
  for (const std::string& problem : learned.problems) outcome.problems += problem + "\n";
  return outcome;
}

// Dense layers of 4 by 4 without bias, one after the other.
Network Chain(const std::vector<std::string>& names) {
  NetworkBuilder builder(Shape::Vector(4));
  for (const std::string& name : names) {
    builder.Layer(testing::Spec("dense", {{"units", std::int64_t{4}}, {"bias", false}}, name));
  }
  return builder.Head("a", ClassesTask(2)).Build(1);
}

Shapes Squares(const std::vector<std::string>& names) {
  Shapes shapes;
  for (const std::string& name : names) shapes.push_back({name + ".weight", {4, 4}});
  return shapes;
}

void ExpectPairs(const Outcome& outcome, WeightEvidence evidence,
                 const std::vector<std::pair<std::string, std::string>>& pairs) {
  EXPECT_EQ(outcome.problems, "");
  EXPECT_EQ(outcome.tensors.size(), pairs.size());
  for (const auto& [layer, tensor] : pairs) {
    const std::string path = layer + ".weight";
    ASSERT_TRUE(outcome.tensors.contains(path)) << path;
    EXPECT_EQ(outcome.tensors.at(path), tensor + ".weight");
    EXPECT_EQ(outcome.evidence.at(path), evidence) << path;
  }
}

TEST(LearnTensors, SameNamesGoFirst) {
  ExpectPairs(Learn(Chain({"a2", "a1"}), Squares({"a1", "a2"})), WeightEvidence::kName,
              {{"a1", "a1"}, {"a2", "a2"}});
}

TEST(LearnTensors, TheOnlyTwoOfTheirShapes) {
  NetworkBuilder builder(Shape::Vector(4));
  builder.Dense("x", 3).Dense("y", 5).Head("a", ClassesTask(2));
  const Outcome outcome = Learn(
      builder.Build(1),
      {{"q.bias", {5}}, {"q.weight", {5, 3, 1, 1}}, {"r.bias", {3}}, {"r.weight", {1, 3, 4}}});
  EXPECT_EQ(outcome.problems, "");
  EXPECT_EQ(outcome.tensors.at("x.weight"), "r.weight");
  EXPECT_EQ(outcome.tensors.at("y.bias"), "q.bias");
  EXPECT_EQ(outcome.evidence.at("y.bias"), WeightEvidence::kShapes);
}

TEST(LearnTensors, WordsThatBothSidesHave) {
  ExpectPairs(Learn(Chain({"attention.query", "attention.key", "attention.value"}),
                    Squares({"self.Key", "self.Query", "self.Value"})),
              WeightEvidence::kWords,
              {{"attention.query", "self.Query"},
               {"attention.key", "self.Key"},
               {"attention.value", "self.Value"}});
}

TEST(LearnTensors, NumbersThatAreTheSame) {
  ExpectPairs(Learn(Chain({"a.10.x2", "a.9.x1", "a.9.x2"}), Squares({"b9.1", "b9.2", "b10.2"})),
              WeightEvidence::kNumbers,
              {{"a.10.x2", "b10.2"}, {"a.9.x1", "b9.1"}, {"a.9.x2", "b9.2"}});
}

// Blocks that count from 1 here and from 0 there.
TEST(LearnTensors, TheOrderOfWhatIsComputedOneFromTheOther) {
  ExpectPairs(
      Learn(Chain({"block1", "block2", "middle"}), Squares({"layer.10", "layer.9", "layer.2"})),
      WeightEvidence::kOrder,
      {{"block1", "layer.2"}, {"block2", "layer.9"}, {"middle", "layer.10"}});
}

TEST(LearnTensors, GuessesNothing) {
  const auto problem = [](const Network& network, const Shapes& shapes) {
    const Outcome outcome = Learn(network, shapes);
    EXPECT_TRUE(outcome.tensors.empty());
    return outcome.problems;
  };
  // In alphabetical order, and in that of computation, two of three would be wrong.
  const std::string order = problem(Chain({"q", "k", "v"}), Squares({"key", "query", "value"}));
  EXPECT_EQ(order,
            "of shapes weight[4,4]: expected words, numbers or an order that tell which is which, "
            "got layers 'k', 'q', 'v' and tensors 'key', 'query', 'value'\n");
  EXPECT_EQ(problem(Chain({"x1", "x2"}), Squares({"y1", "y2", "y3"})),
            "of shapes weight[4,4]: expected as many layers as tensors' layers, got layers 'x1', "
            "'x2' and tensors 'y1', 'y2', 'y3'\n");
  EXPECT_EQ(problem(Chain({"x"}), {}),
            "of shapes weight[4,4]: expected as many layers as tensors' layers, got layers 'x' and "
            "no tensors\n");
  // Beside each other, no order is that of computation.
  NetworkBuilder builder(Shape::Vector(4));
  const auto dense = [&](const std::string& name) {
    builder.Layer(
        testing::Spec("dense", {{"units", std::int64_t{4}}, {"bias", false}}, name, {"input"}));
  };
  dense("left");
  dense("right");
  builder.Add("sum", "left", "right").Head("a", ClassesTask(2));
  EXPECT_NE(problem(builder.Build(1), Squares({"branch.0", "branch.1"})), "");
}

TEST(LearnTensors, WhatHasNoNameOfItsOwnIsAWeight) {
  NetworkBuilder builder(Shape{3, 4});
  builder.Layer(testing::Spec("class_token", {}, "first")).Head("a", ClassesTask(2));
  const Outcome outcome = Learn(builder.Build(1), {{"cls_token", {1, 1, 4}}});
  EXPECT_EQ(outcome.tensors.at("first.weight"), "cls_token");
  EXPECT_NE(Learn(builder.Build(1), {{"cls.weight", {4}}, {"cls_weight", {4}}}).problems, "");
}

}  // namespace
}  // namespace espalier
