// SPDX-License-Identifier: Apache-2.0

// What a training plan's arena takes on known networks: nothing kept that nobody reads again, and
// what one pass alone needs in places that others leave free.

#include <string>
#include <vector>

#include "espalier/builder.h"
#include "gtest/gtest.h"
#include "testing/known_networks.h"
#include "testing/transformer_networks.h"
#include "training/training_plan.h"

namespace espalier {
namespace {

Network TwoConvolutions() {
  NetworkBuilder builder(Shape::Image(1, 28, 28));
  builder.Conv2d("conv1", 32, 3).Relu().MaxPool2d(2);
  builder.Conv2d("conv2", 64, 3).Relu().MaxPool2d(2);
  builder.Flatten().Dense("dense", 128).Relu().Head("output", ClassesTask(10));
  return builder.Build(1);
}

Network SixConvolutions() {
  NetworkBuilder builder(Shape::Image(3, 32, 32));
  for (const std::int64_t channels : {64, 128, 256}) {
    const std::string name = "conv" + std::to_string(channels);
    builder.Conv2d(name + "a", channels, 3).Relu();
    builder.Conv2d(name + "b", channels, 3).Relu().MaxPool2d(2);
  }
  builder.Flatten().Dense("dense", 256).Relu().Head("output", ClassesTask(10));
  return builder.Build(1);
}

Network ResNet18() { return Network::Build(testing::ResNet18(Shape::Image(3, 64, 64), 10), 1); }

Network MobileNetV2() {
  return Network::Build(testing::MobileNetV2(Shape::Image(3, 64, 64), 10), 1);
}

Network Encoder() {
  const testing::BertSizes sizes = {.length = 64, .vocabulary = 100, .layers = 2};
  return testing::Bert(sizes).Head("topics", LabelsTask({"a"})).Build(1);
}

double ArenaMegabytes(const Network& network, std::int64_t batch, LargeGradients large_gradients) {
  const TrainingPlan plan = CompileTrainingPlan(*network.state(), batch, large_gradients);
  return static_cast<double>(plan.arena.floats) * sizeof(float) / 1e6;
}

TEST(PlanMemory, ArenasStayBelowTheirCeilings) {
  const struct {
    const char* name;
    Network (*make)();
    std::int64_t batch;
    double most;  // megabytes; packed weights differ a little between instruction sets
  } cases[] = {
      {"two convolutions", TwoConvolutions, 32, 6.6},
      {"two convolutions", TwoConvolutions, 128, 23},
      {"six convolutions", SixConvolutions, 32, 44},
      {"six convolutions", SixConvolutions, 128, 118},
      {"ResNet-18", ResNet18, 32, 58},
      {"ResNet-18", ResNet18, 128, 201},
      {"MobileNetV2", MobileNetV2, 32, 150},
      {"two blocks of MiniLM's encoder", Encoder, 16, 50},
  };
  for (const auto& c : cases) {
    EXPECT_LE(ArenaMegabytes(c.make(), c.batch, LargeGradients::kApart), c.most)
        << c.name << ", batch " << c.batch;
  }
}

// Gradients of a block of an encoder fit into what the values of the blocks behind it leave.
TEST(PlanMemory, LargeGradientsLieWhereValuesLay) {
  const struct {
    const char* name;
    Network (*make)();
    double gradients;  // megabytes, of weights and of the position embedding
    double share;      // of it that the arena grows by, at most
  } cases[] = {
      {"two blocks of MiniLM's encoder", Encoder, 15.0, 0.4},
      {"MobileNetV2", MobileNetV2, 7.8, 0.5},
      {"ResNet-18", ResNet18, 44.0, 0.9},  // most of it is of the last blocks, of small values
  };
  for (const auto& c : cases) {
    const auto arena = [&](LargeGradients where) { return ArenaMegabytes(c.make(), 32, where); };
    const double growth = arena(LargeGradients::kInArena) - arena(LargeGradients::kApart);
    EXPECT_LE(growth, c.share * c.gradients) << c.name;
  }
}

}  // namespace
}  // namespace espalier
