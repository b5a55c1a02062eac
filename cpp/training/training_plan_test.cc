// SPDX-License-Identifier: Apache-2.0
#include "training/training_plan.h"

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "kernels/matmul/weight_gradient.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::OneHead;
using testing::ThreeHeads;

std::string NameOf(const Network& network, int layer) {
  return network.state()->layers[static_cast<std::size_t>(layer)].name;
}

const PlanNode* FindNode(const Network& network, const TrainingPlan& plan,
                         const std::string& name) {
  for (const PlanNode& node : plan.nodes) {
    if (NameOf(network, node.layer) == name) return &node;
  }
  return nullptr;
}

std::vector<std::string> PrefixOutputs(const Network& network, const TrainingPlan& plan) {
  std::vector<std::string> names;
  for (const int value : plan.prefix_outputs) names.push_back(network.state()->value_name(value));
  return names;
}

TEST(TrainingPlan, HeadsWithTheSameInputAreOneGroup) {
  const Network network = ThreeHeads().Build(1);
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  EXPECT_FALSE(plan.has_prefix());
  ASSERT_EQ(plan.groups.size(), 2u);
  EXPECT_EQ(plan.groups[0].group.width + plan.groups[1].group.width, 10);
  EXPECT_EQ(FindNode(network, plan, "heads.signs.dense"), nullptr);
}

TEST(TrainingPlan, PrefixEndsWhereTrainableLayersBegin) {
  Network network = ThreeHeads().Build(1);
  network.Freeze({.pattern = "features", .through = true});
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  EXPECT_EQ(PrefixOutputs(network, plan), (std::vector<std::string>{"images", "features"}));
  EXPECT_EQ(plan.source_floats, 9 * 4 * 4 + 17);
  ASSERT_EQ(plan.nodes.size(), 2u);  // the hidden layer of a head and its activation
}

TEST(TrainingPlan, DropoutThatIsNotFrozenEndsThePrefix) {
  Network network = ThreeHeads().Build(1);
  for (const char* pattern : {"conv*", "norm1", "dense1"}) network.Freeze({.pattern = pattern});
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  EXPECT_EQ(PrefixOutputs(network, plan), (std::vector<std::string>{"images"}));
  // The frozen dense layer after it is run by the step, with nothing below to train.
  const PlanNode* const dense = FindNode(network, plan, "dense1");
  ASSERT_NE(dense, nullptr);
  EXPECT_EQ(dense->use.mode, Mode::kEvaluation);
  EXPECT_FALSE(dense->has_backward);
}

TEST(TrainingPlan, PrefixWithoutParametersIsNone) {
  const Network network = NetworkBuilder(Shape::Image(1, 4, 4))
                              .Flatten()
                              .Dense("dense1", 3)
                              .Head("signs", LabelsTask({"a"}))
                              .Build(1);
  EXPECT_FALSE(CompileTrainingPlan(*network.state(), 8).has_prefix());
}

TEST(TrainingPlan, AdaptingBatchNormIsNotFixed) {
  Network network = ThreeHeads().Build(1);
  network.Freeze({.pattern = "features", .through = true});
  network.Freeze({.pattern = "norm1"}, /*adapt_statistics=*/true);
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  EXPECT_EQ(PrefixOutputs(network, plan), (std::vector<std::string>{"conv1"}));
  const PlanNode* const norm = FindNode(network, plan, "norm1");
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ(norm->use.mode, Mode::kTraining);
  EXPECT_FALSE(norm->use.grad_parameters);
  EXPECT_FALSE(norm->has_backward);
  EXPECT_NE(norm->saved, kNoBuffer);
}

TEST(TrainingPlan, NothingIsComputedBelowTheLowestTrainableLayer) {
  Network network = ThreeHeads().Build(1);
  network.Freeze({.pattern = "norm1"}, /*adapt_statistics=*/true);
  network.Freeze({.pattern = "conv1"});
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  const int conv2 = static_cast<int>(FindNode(network, plan, "conv2") - plan.nodes.data());
  for (int i = 0; i < conv2; ++i) {
    const PlanNode& node = plan.nodes[static_cast<std::size_t>(i)];
    EXPECT_FALSE(node.has_backward);
    EXPECT_EQ(node.grad_output, kNoBuffer);
  }
  const PlanNode& lowest = plan.nodes[static_cast<std::size_t>(conv2)];
  EXPECT_EQ(lowest.grad_inputs, (std::vector<BufferId>{kNoBuffer}));
  // Activations below are not kept: the batch norm's input is free once it has run.
  const PlanNode* const norm = FindNode(network, plan, "norm1");
  const auto lives_until = [&](BufferId buffer) {
    return plan.buffers[static_cast<std::size_t>(buffer)].last;
  };
  EXPECT_EQ(lives_until(norm->inputs[0]), norm - plan.nodes.data());
  EXPECT_GT(lives_until(lowest.inputs[0]), static_cast<int>(plan.nodes.size()));
}

TEST(TrainingPlan, GradientsOfLargeDenseWeightsAreLate) {
  Network network = NetworkBuilder(Shape::Image(4, 8, 8))
                        .Dense("image", 256)  // whose input is moved first
                        .Dense("large", 256)
                        .Relu()
                        .Dense("small", 255)
                        .Dense("frozen", 300)
                        .Head("signs", LabelsTask({"a"}))
                        .Build(1);
  network.Freeze({.pattern = "frozen"});
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  for (const PlanNode& node : plan.nodes) {
    EXPECT_EQ(node.has_late_gradient, NameOf(network, node.layer) == "large");
  }
  const PlanNode* const large = FindNode(network, plan, "large");
  const int end = 2 * static_cast<int>(plan.nodes.size()) + 1;
  for (const BufferId buffer : {large->inputs[0], large->grad_output}) {
    EXPECT_EQ(plan.buffers[static_cast<std::size_t>(buffer)].last, end);
  }
  const TrainingPlan stored = CompileTrainingPlan(*network.state(), 8, LargeGradients::kInArena);
  EXPECT_FALSE(FindNode(network, stored, "large")->has_late_gradient);
}

TEST(TrainingPlan, GradientsOfLargeBatchesAreStored) {
  const Network network = NetworkBuilder(Shape::Vector(256))
                              .Dense("large", 256)
                              .Head("signs", LabelsTask({"a"}))
                              .Build(1);
  for (const std::int64_t batch : {kMostGradientExamples, kMostGradientExamples + 1}) {
    const TrainingPlan plan = CompileTrainingPlan(*network.state(), batch);
    EXPECT_EQ(plan.nodes[0].has_late_gradient, batch == kMostGradientExamples);
  }
}

// Who reads a value again in its backward pass keeps it; temporaries live in one pass.
TEST(TrainingPlan, BuffersLiveAsLongAsSomeoneReadsThem) {
  const Network network = NetworkBuilder(Shape::Image(3, 8, 8))
                              .Conv2d("conv1", 8, 3)
                              .BatchNorm("norm1")
                              .Layer({.name = "relu1", .kind = "relu"})
                              .Conv2d("conv2", 8, 3)
                              .Layer({.name = "relu2", .kind = "relu"})
                              .MaxPool2d(2)
                              .Head("signs", LabelsTask({"a"}))
                              .Build(1);
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  const int count = static_cast<int>(plan.nodes.size());
  ASSERT_EQ(count, 6);
  const auto request = [&](BufferId buffer) {
    return plan.buffers[static_cast<std::size_t>(buffer)];
  };
  enum { kConv1, kNorm1, kRelu1, kConv2, kPool, kRelu2 };
  const auto node = [&](int index) { return plan.nodes[static_cast<std::size_t>(index)]; };
  EXPECT_EQ(NameOf(network, node(kRelu2).layer), "relu2");  // behind the pooling
  EXPECT_TRUE(node(kRelu2).is_fused);
  EXPECT_EQ(node(kRelu2).output_shape, Shape::Image(8, 4, 4));
  EXPECT_EQ(node(kRelu2).output, node(kPool).output);
  const auto backward = [&](int index) { return 2 * count - index; };
  EXPECT_EQ(request(node(kConv1).output).last, backward(kNorm1));
  EXPECT_EQ(node(kRelu1).done_by, kNorm1);
  EXPECT_EQ(node(kRelu1).output, node(kNorm1).output);
  EXPECT_EQ(request(node(kNorm1).output).last, backward(kConv2));
  EXPECT_EQ(request(node(kConv2).output).last, kPool);
  EXPECT_EQ(request(node(kPool).output).last, backward(kRelu2));
  EXPECT_EQ(request(node(kNorm1).saved).last, 2 * count + 1);  // moves running statistics
  EXPECT_EQ(request(node(kPool).saved).last, backward(kPool));
  for (const int convolution : {kConv1, kConv2}) {
    EXPECT_EQ(node(convolution).saved, kNoBuffer);
    const BufferRequest forward = request(node(convolution).forward_temporary);
    EXPECT_EQ(forward.first, convolution);
    EXPECT_EQ(forward.last, convolution);
    const BufferRequest temporary = request(node(convolution).backward_temporary);
    EXPECT_EQ(temporary.first, backward(convolution));
    EXPECT_EQ(temporary.last, backward(convolution));
  }
}

TEST(TrainingPlan, FrozenMiddlePassesGradients) {
  Network network = OneHead().Build(1);
  network.Freeze({.pattern = "dense2"});
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  const PlanNode* const dense2 = FindNode(network, plan, "dense2");
  ASSERT_NE(dense2, nullptr);
  EXPECT_TRUE(dense2->has_backward);
  EXPECT_FALSE(dense2->use.grad_parameters);
  EXPECT_NE(dense2->grad_inputs[0], kNoBuffer);
}

TEST(TrainingPlan, FrozenConvolutionsArePackedOnce) {
  Network network = NetworkBuilder(Shape::Image(3, 8, 8))
                        .Conv2d("conv1", 8, 3)
                        .Conv2d("conv2", 8, 3)
                        .Head("signs", LabelsTask({"a"}))
                        .Build(1);
  network.Freeze({.pattern = "conv2"});
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  const PlanNode* const trained = FindNode(network, plan, "conv1");
  EXPECT_EQ(trained->prepared, kNoBuffer);
  EXPECT_NE(trained->forward_temporary, kNoBuffer);
  EXPECT_NE(trained->backward_temporary, kNoBuffer);
  const PlanNode* const frozen = FindNode(network, plan, "conv2");
  EXPECT_EQ(frozen->forward_temporary, kNoBuffer);
  EXPECT_EQ(frozen->backward_temporary, kNoBuffer);
  ASSERT_NE(frozen->prepared, kNoBuffer);
  const BufferRequest prepared = plan.buffers[static_cast<std::size_t>(frozen->prepared)];
  EXPECT_EQ(prepared.first, -1);
  EXPECT_EQ(prepared.last, 2 * static_cast<int>(plan.nodes.size()) + 1);
}

TEST(TrainingPlan, LaterConsumersAddToTheGradient) {
  const Network network = ThreeHeads().Build(1);
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  std::int64_t additions = 0;
  for (const PlanNode& node : plan.nodes)
    additions += static_cast<std::int64_t>(node.additions.size());
  for (const PlanGroup& group : plan.groups)
    additions += static_cast<std::int64_t>(group.additions.size());
  EXPECT_EQ(additions, 1);  // the images feed the backbone and a head
}

TEST(TrainingPlan, RawInputBesideThePrefixIsASourceToo) {
  Network network = NetworkBuilder(Shape::Vector(6))
                        .Dense("frozen", 4)
                        .From(kInputName)
                        .Dense("open", 4)
                        .Add("sum", "frozen", "open")
                        .Head("signs", LabelsTask({"a"}))
                        .Build(1);
  network.Freeze({.pattern = "frozen"});
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), 8);
  EXPECT_EQ(PrefixOutputs(network, plan), (std::vector<std::string>{"frozen"}));
  ASSERT_EQ(plan.sources.size(), 2u);
  EXPECT_TRUE(network.state()->is_input(plan.sources[1].value));
  EXPECT_EQ(plan.source_floats, 4 + 6);
}

}  // namespace
}  // namespace espalier
