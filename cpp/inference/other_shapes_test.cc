// SPDX-License-Identifier: Apache-2.0
// One predictor for inputs of several shapes.

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "core/memory.h"
#include "espalier/predictor.h"
#include "inference/shape_cache.h"
#include "network/network_state.h"
#include "testing/inference_networks.h"
#include "testing/messages.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::NormalFloats;
using testing::SameBits;

const Shape kOwn = Shape::Image(3, 24, 32);

// Convolutions, and pooling over the whole image: it takes images of any size.
Network AnySize() {
  NetworkBuilder builder(kOwn);
  builder.Normalize({0.1, 0.2, -0.3}, {0.5, 2.0, 1.5});
  builder.Conv2d("conv1", 8, 3, {.stride = 2}).BatchNorm("norm1").Relu();
  builder.Conv2d("map", 8, 3).Relu();
  builder.Layer(testing::Spec("global_average_pool2d", "pool", {}));
  TaskSpec task;
  task.labels = {"a", "b", "c"};
  builder.Head("marks", task);
  Network network = builder.Build(5);
  testing::Scatter(network);
  return network;
}

std::vector<float> Predict(const Predictor& predictor, std::int64_t batch) {
  const std::vector<float> inputs = NormalFloats(batch * predictor.input_size(), 3);
  std::vector<float> outputs(static_cast<std::size_t>(batch * predictor.output_size()));
  predictor.Predict(batch, inputs, outputs);
  return outputs;
}

Network Resized(const Network& network, const Shape& shape) {
  return network.Transfer({.input_shapes = {{.name = "", .shape = shape}}}, 0);
}

TEST(OtherShapes, BitsOfANetworkOfThatShape) {
  const Network network = AnySize();
  const PredictorConfig config = {.heads = {"marks"}, .layers = {"map"}, .other_shapes = 2};
  const Predictor predictor(network, config);
  for (const Shape& shape : {Shape::Image(3, 24, 32), Shape::Image(3, 7, 5),
                             Shape::Image(3, 40, 64), Shape::Image(3, 1, 1)}) {
    const Predictor got = predictor.ForShape(shape);
    const Predictor expected(Resized(network, shape), config);
    EXPECT_EQ(got.input_size(), shape.element_count());
    EXPECT_EQ(got.layer_shapes(), expected.layer_shapes());
    EXPECT_EQ(got.layer_shapes()[0], Shape::Image(8, (shape[1] + 1) / 2, (shape[2] + 1) / 2));
    EXPECT_EQ(got.output_size(), 3 + got.layer_shapes()[0].element_count());
    EXPECT_TRUE(SameBits(Predict(got, 3), Predict(expected, 3))) << shape.ToString();
  }
}

TEST(OtherShapes, ASnapshotOfTheNetwork) {
  Network network = AnySize();
  const Predictor predictor(network, {.other_shapes = 1});
  const std::vector<float> before = Predict(predictor.ForShape(Shape::Image(3, 9, 9)), 1);
  predictor.ForShape(Shape::Image(3, 8, 8));  // takes the other one's place
  network.WriteParameter("conv1.bias", std::vector<float>(8, 9.0f));
  EXPECT_TRUE(SameBits(Predict(predictor.ForShape(Shape::Image(3, 9, 9)), 1), before));
}

TEST(OtherShapes, KeepsThoseWantedLastAndWhatSomebodyHas) {
  const Network network = AnySize();
  const std::int64_t before = NativeBytesInUse();
  {
    const Predictor predictor(network, {.other_shapes = 2});
    std::vector<Predictor> held;
    for (int side = 1; side <= 4; ++side) {
      held.push_back(predictor.ForShape(Shape::Image(3, side, side)));
    }
    const std::int64_t in_use = NativeBytesInUse();
    predictor.ForShape(Shape::Image(3, 3, 3));
    EXPECT_EQ(NativeBytesInUse(), in_use);      // still there
    EXPECT_EQ(Predict(held[0], 1).size(), 3u);  // no longer kept, but held
    held.clear();
    EXPECT_LT(NativeBytesInUse(), in_use);
    EXPECT_EQ(NativeBytesInUse() - before, predictor.NativeBytes());
  }
  EXPECT_EQ(NativeBytesInUse(), before);
}

TEST(OtherShapes, LiveLongerThanThePredictorTheyCameFrom) {
  std::vector<Predictor> held;
  {
    const Predictor predictor(AnySize(), {.other_shapes = 1});
    held.push_back(predictor.ForShape(Shape::Image(3, 5, 5)));
    held.push_back(predictor.ForShape(kOwn));
  }
  EXPECT_EQ(Predict(held[0], 1).size(), 3u);
  EXPECT_EQ(Predict(held[1], 1).size(), 3u);
}

TEST(OtherShapes, MakesRoomWhereMemoryIsShort) {
  const Network network = AnySize();
  const Predictor predictor(network, {.max_batch_size = 1, .threads = 1, .other_shapes = 8});
  const std::int64_t alone = NativeBytesInUse();
  const Shape large = Shape::Image(3, 200, 200);
  predictor.ForShape(large);
  const std::int64_t budget = NativeBytesLimit();
  SetNativeBytesLimit(alone + 2 * (NativeBytesInUse() - alone));
  for (int side = 201; side < 208; ++side) {
    EXPECT_EQ(predictor.ForShape(Shape::Image(3, side, side)).output_size(), 3);
  }
  MessageOf(ErrorCode::kOutOfMemory, [&] { predictor.ForShape(Shape::Image(3, 2000, 2000)); });
  EXPECT_EQ(Predict(predictor.ForShape(large), 1).size(), 3u);
  SetNativeBytesLimit(budget);
}

TEST(OtherShapes, AnyNumberOfThreads) {
  const Network network = AnySize();
  const Predictor predictor(network, {.threads = 1, .other_shapes = 2});
  std::vector<std::vector<float>> expected;
  for (int side = 1; side <= 4; ++side) {
    expected.push_back(Predict(Predictor(Resized(network, Shape::Image(3, side, side))), 2));
  }
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 40; ++i) {
        const int side = 1 + (i * (thread + 1)) % 4;
        const Predictor sized = predictor.ForShape(Shape::Image(3, side, side));
        EXPECT_TRUE(SameBits(Predict(sized, 2), expected[static_cast<std::size_t>(side - 1)]));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(OtherShapes, Refused) {
  const Network network = AnySize();
  const Predictor alone(network);
  EXPECT_EQ(MessageOf(ErrorCode::kInvalidState, [&] { alone.ForShape(Shape::Image(3, 5, 5)); }),
            "INVALID_STATE: predictor: expected one that was made with other_shapes (otherShapes "
            "in Java), got one for "
            "an input of [3, 24, 32] alone");
  const Predictor predictor(network, {.other_shapes = 1});
  const Predictor sized = predictor.ForShape(Shape::Image(3, 5, 5));
  EXPECT_EQ(MessageOf(ErrorCode::kInvalidState, [&] { sized.ForShape(kOwn); }),
            "INVALID_STATE: predictor: expected one that was made with other_shapes (otherShapes "
            "in Java), got one for "
            "an input of [3, 5, 5] alone");
  MessageOf(ErrorCode::kShapeMismatch, [&] { predictor.ForShape(Shape::Image(4, 5, 5)); });
  MessageOf(ErrorCode::kShapeMismatch, [&] { predictor.ForShape(Shape::Vector(5)); });
  EXPECT_EQ(
      MessageOf(ErrorCode::kInvalidArgument, [&] { Predictor(network, {.other_shapes = -1}); }),
      "INVALID_ARGUMENT: predictor: expected other_shapes of 0 to 1024, got -1");
  Predictor from(network, {.other_shapes = 1});
  const Predictor to = std::move(from);
  EXPECT_EQ(MessageOf(ErrorCode::kInvalidState, [&] { from.ForShape(kOwn); }),
            "INVALID_STATE: expected a predictor, got one that was moved from");
  EXPECT_EQ(to.ForShape(kOwn).output_size(), 3);
}

TEST(OtherShapes, WithinTheLimitsOfAFile) {
  const Network network = AnySize();
  network.state()->limits = NetworkLimits{.multiply_adds = 2'000'000};
  const Predictor predictor(network, {.other_shapes = 1});
  EXPECT_EQ(predictor.ForShape(Shape::Image(3, 9, 9)).output_size(), 3);
  MessageOf(ErrorCode::kInvalidArgument, [&] { predictor.ForShape(Shape::Image(3, 900, 900)); });
}

TEST(OtherShapes, DenseLayersHaveOne) {
  NetworkBuilder builder(kOwn);
  builder.Flatten().Dense("hidden", 4);
  TaskSpec task;
  task.labels = {"a"};
  builder.Head("marks", task);
  const Network network = builder.Build(1);
  const Predictor predictor(network, {.other_shapes = 1});
  MessageOf(ErrorCode::kShapeMismatch, [&] { predictor.ForShape(Shape::Image(3, 5, 5)); });
}

TEST(ShapeCache, TheFirstOfTwoThreadsWins) {
  ShapeCache<int> cache(2);
  const auto first = std::make_shared<int>(1);
  EXPECT_EQ(cache.Insert(kOwn, first), first);
  EXPECT_EQ(cache.Insert(kOwn, std::make_shared<int>(2)), first);
  EXPECT_EQ(cache.Find(kOwn), first);
  cache.Clear();
  EXPECT_EQ(cache.Find(kOwn), nullptr);
}

}  // namespace
}  // namespace espalier
