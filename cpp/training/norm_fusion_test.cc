// SPDX-License-Identifier: Apache-2.0

// Batch norms that do the work of what follows: plans, and steps against the same network with
// something between that keeps its layers apart.

#include "training/norm_fusion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/runtime.h"
#include "espalier/trainer.h"
#include "testing/known_networks.h"
#include "testing/layer_spec.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::RelativeNorm;
using testing::Spec;

// A residual network in small. `is_fused`: without the dropouts of nothing that keep apart what
// would become one operation.
class Blocks {
 public:
  Blocks(const std::string& activation, bool is_fused)
      : builder_(Shape::Image(3, 9, 7)), activation_(activation), is_fused_(is_fused) {}

  Network Build() {
    const std::string stem = Activated("stem", Norm("stem", "input", 6, 1));
    // The residual is there, and read by both.
    const std::string first = Block("first", stem, stem, 6, 1);
    // The residual is a norm's too, and is made before or after.
    const std::string down = Norm("down", first, 10, 2);
    const std::string second = Block("second", first, down, 10, 2);
    const std::string inner = Activated("third.a", Norm("third.a", second, 10, 1));
    const std::string third = Norm("third.b", inner, 10, 1);
    const std::string late = Norm("third.down", second, 10, 1);
    const std::string sum = Sum("third", third, late);
    // Without an activation, as in MobileNetV2; what is read twice stays a value.
    const std::string fourth = Sum("fourth", Norm("fourth", Activated("third", sum), 10, 1), sum);
    builder_.Layer(Spec("global_average_pool2d", "pool", {fourth}));
    builder_.Head("signs", LabelsTask({"a", "b", "c"}));
    return builder_.Build(3);
  }

 private:
  std::string Apart(const std::string& name, const std::string& from) {
    if (is_fused_) return from;
    builder_.Layer(Spec("dropout", {{"rate", 0.0}}, name + ".apart", {from}));
    return name + ".apart";
  }

  std::string Norm(const std::string& name, const std::string& from, std::int64_t channels,
                   std::int64_t stride) {
    builder_.Layer(Spec("conv2d",
                        {{"channels", channels},
                         {"kernel", std::int64_t{3}},
                         {"stride", stride},
                         {"padding", std::vector<std::int64_t>{1}},
                         {"bias", false}},
                        name + ".conv", {from}));
    builder_.Layer(Spec("batch_norm", name + ".norm", {name + ".conv"}));
    return Apart(name + ".norm", name + ".norm");
  }

  std::string Activated(const std::string& name, const std::string& from) {
    builder_.Layer(Spec(activation_, name + ".activation", {from}));
    return name + ".activation";
  }

  std::string Sum(const std::string& name, const std::string& a, const std::string& b) {
    builder_.Layer(Spec("add", name + ".sum", {a, b}));
    return Apart(name + ".sum", name + ".sum");
  }

  std::string Block(const std::string& name, const std::string& from, const std::string& residual,
                    std::int64_t channels, std::int64_t stride) {
    const std::string inner = Activated(name + ".a", Norm(name + ".a", from, channels, stride));
    return Activated(name, Sum(name, residual, Norm(name + ".b", inner, channels, 1)));
  }

  NetworkBuilder builder_;
  const std::string activation_;
  const bool is_fused_;
};

NamedValues AfterSteps(Network& network, std::int64_t batch, int steps) {
  const RandomExamples examples(network, batch, 2);
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.5}, .max_batch_size = batch});
  for (int step = 0; step < steps; ++step) {
    trainer.Step(batch, examples.Inputs(0, batch), examples.Targets(0, batch));
  }
  return ParametersOf(network);
}

struct Change {
  const char* name;
  void (*apply)(Network&);
};

const Change kChanges[] = {
    {"all trained", [](Network&) {}},
    {"norms frozen", [](Network& network) { network.Freeze({.pattern = "*.norm"}); }},
    {"norms adapt",
     [](Network& network) { network.Freeze({.pattern = "*.norm"}, /*adapt_statistics=*/true); }},
    {"kernels frozen", [](Network& network) { network.Freeze({.pattern = "*.conv"}); }},
    {"a frozen beginning",
     [](Network& network) {
       network.Freeze({.pattern = "first.activation", .through = true});
       network.Freeze({.pattern = "down.*"});
     }},
};

TEST(NormFusion, StepsAreThoseOfLayersApart) {
  for (const std::string activation : {"relu", "relu6", "leaky_relu", "sigmoid", "tanh",
                                       "hard_sigmoid", "elu", "softplus", "gelu", "hard_swish"}) {
    for (const Change& change : kChanges) {
      SCOPED_TRACE(activation + ", " + change.name);
      Network apart = Blocks(activation, false).Build();
      Network fused = Blocks(activation, true).Build();
      for (const auto& [path, values] : ParametersOf(apart)) fused.WriteParameter(path, values);
      const NamedValues start = ParametersOf(fused);
      change.apply(apart);
      change.apply(fused);
      const NamedValues expected = AfterSteps(apart, 5, 1);
      const NamedValues got = AfterSteps(fused, 5, 1);
      for (const auto& [path, values] : got) {
        EXPECT_LE(RelativeNorm(values, expected.at(path)), 2e-6) << path;
      }
      EXPECT_FALSE(Differences(got, start).empty());
    }
  }
}

TEST(NormFusion, BitsDoNotDependOnTheThreads) {
  for (const std::string activation : {"relu", "tanh"}) {
    NamedValues alone;
    for (const int threads : {1, 2, 3}) {
      SetThreadCount(threads);
      Network network = Blocks(activation, true).Build();
      const NamedValues got = AfterSteps(network, 33, 3);
      if (threads == 1) alone = got;
      EXPECT_TRUE(Differences(got, alone).empty()) << activation << ", " << threads;
    }
    SetThreadCount(1);
  }
}

const PlanNode& NodeOf(const Network& network, const TrainingPlan& plan, const std::string& name) {
  return *std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const PlanNode& node) {
    return network.state()->layers[static_cast<std::size_t>(node.layer)].name == name;
  });
}

std::string DoneBy(const Network& network, const TrainingPlan& plan, const std::string& name) {
  const int norm = NodeOf(network, plan, name).done_by;
  if (norm < 0) return "";
  const int layer = plan.nodes[static_cast<std::size_t>(norm)].layer;
  return network.state()->layers[static_cast<std::size_t>(layer)].name;
}

TEST(NormFusion, TheLaterTermDoesTheWorkOfASum) {
  const Network network = Blocks("relu", true).Build();
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 4);
  const auto done_by = [&](const char* name) { return DoneBy(network, plan, name); };
  EXPECT_EQ(done_by("stem.activation"), "stem.norm");
  EXPECT_EQ(done_by("first.sum"), "first.b.norm");
  EXPECT_EQ(done_by("first.activation"), "first.b.norm");
  EXPECT_EQ(done_by("second.activation"), "second.b.norm");
  EXPECT_EQ(done_by("third.sum"), "third.down.norm");
  EXPECT_EQ(done_by("third.activation"), "");  // the sum has another reader
  EXPECT_EQ(done_by("fourth.sum"), "fourth.norm");
  const PlanNode& norm = NodeOf(network, plan, "first.b.norm");
  EXPECT_EQ(norm.residual, NodeOf(network, plan, "stem.activation").output);
  EXPECT_EQ(norm.output, NodeOf(network, plan, "first.activation").output);
  // The residual's gradient is the memory that the gradient of the sum came in.
  EXPECT_EQ(norm.grad_output, NodeOf(network, plan, "stem.norm").grad_output);
  EXPECT_NE(norm.grad_inputs[0], norm.grad_output);
  // Nothing else wants that of the inner one.
  const PlanNode& inner = NodeOf(network, plan, "first.a.norm");
  EXPECT_EQ(inner.grad_inputs[0], inner.grad_output);
}

TEST(NormFusion, ResNetAndMobileNetHaveNoSumOrActivationLeft) {
  for (const bool is_residual : {true, false}) {
    const Shape image = Shape::Image(3, 64, 64);
    const Network network = Network::Build(
        is_residual ? testing::ResNet18(image, 10, 8) : testing::MobileNetV2(image, 10, 8), 1);
    const TrainingPlan plan = CompileTrainingPlan(*network.state(), 2);
    for (const PlanNode& node : plan.nodes) {
      const GraphLayer& layer = network.state()->layers[static_cast<std::size_t>(node.layer)];
      const LayerTraits traits = TraitsOf(layer);
      if (traits.sums || traits.activation) {
        EXPECT_GE(node.done_by, 0) << layer.name;
      }
    }
  }
}

// Each term of a plain sum is given its gradient where that is safe.
TEST(NormFusion, SumsPassTheirGradientOn) {
  NetworkBuilder builder(Shape::Vector(6));
  builder.Dense("below", 6).Layer(Spec("gelu", "x", {"below"}));
  builder.Layer(Spec("dense", {{"units", std::int64_t{6}}}, "inner", {"x"}));
  builder.Layer(Spec("gelu", "g", {"inner"}));
  builder.Layer(Spec("dense", {{"units", std::int64_t{6}}}, "outer", {"g"}));
  builder.Layer(Spec("add", "sum", {"x", "outer"}));
  builder.Layer(Spec("gelu", "end", {"sum"})).Head("signs", LabelsTask({"a"}));
  const Network network = builder.Build(1);
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 4);
  const PlanNode& sum = NodeOf(network, plan, "sum");
  EXPECT_EQ(sum.grad_inputs, (std::vector<BufferId>{kNoBuffer, kNoBuffer}));
  EXPECT_EQ(NodeOf(network, plan, "x").grad_output, sum.grad_output);
  EXPECT_EQ(NodeOf(network, plan, "outer").grad_output, sum.grad_output);
}

}  // namespace
}  // namespace espalier
