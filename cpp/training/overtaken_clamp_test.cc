// SPDX-License-Identifier: Apache-2.0

// A clamp that only a max pooling reads may run backward before it, on the pooled gradient: with
// the bits of a pass over the whole.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "espalier/builder.h"
#include "espalier/trainer.h"
#include "kernels/elementwise/activation.h"
#include "kernels/pooling/pooling.h"
#include "testing/cpu_targets.h"
#include "testing/layer_spec.h"
#include "testing/normal_floats.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::NamedValues;
using testing::Spec;

constexpr std::int64_t kBatch = 24;

Attributes Window(std::int64_t window, std::int64_t stride) {
  return {{"window", window}, {"stride", stride}};
}

// If the clamps are `apart` from the poolings, by layers that change nothing, each has a pass of
// its own.
NetworkBuilder Pooled(bool apart) {
  NetworkBuilder builder(Shape::Image(2, 15, 14));
  const auto separate = [&] {
    if (apart) builder.Dropout(0.0);
  };
  builder.Conv2d("conv1", 16, 3).Relu();
  separate();
  builder.MaxPool2d(2).Conv2d("conv2", 19, 3).Layer(Spec("relu6"));
  separate();
  builder.Layer(Spec("max_pool2d", Window(3, 2), "overlapping"));
  builder.Dense("dense", 20).Relu().Head("signs", LabelsTask({"a", "b", "c"}));
  return builder;
}

TEST(OvertakenClamp, HasTheBitsOfNaNAndInfinitiesToo) {
  const PoolingGeometry geometries[] = {{19, 8, 6, 4, 3, 2, 2, 2, 2, 0, 0, true},
                                        {19, 7, 7, 3, 3, 3, 3, 2, 2, 0, 0, true},
                                        {3, 8, 6, 6, 4, 3, 3, 1, 1, 0, 0, true}};
  testing::ForEachCpuTarget([&] {
    for (const PoolingGeometry& g : geometries) {
      const std::int64_t inputs = g.height * g.width * g.channels;
      const std::int64_t outputs = g.output_height * g.output_width * g.channels;
      for (const Activation activation : {Activation::kRelu, Activation::kRelu6}) {
        for (std::size_t turn = 0; turn < testing::kSpecialFloatCount; ++turn) {
          std::vector<float> x = testing::NormalFloats(inputs, {.seed = 1});
          std::vector<float> grad = testing::NormalFloats(outputs, {.seed = 2});
          for (std::size_t i = turn; i < x.size(); i += 5) x[i] = testing::FirstSpecial(i, turn);
          for (std::size_t i = 0; i < grad.size(); i += 3) grad[i] = testing::FirstSpecial(i, turn);
          ActivationForward(activation, 0.0f, x.data(), inputs, x.data());
          std::vector<float> y(grad.size()), below(x.size()), above(x.size());
          std::vector<std::uint8_t> places(grad.size());
          MaxPool(g, 0, g.output_height, x.data(), y.data(), places.data());
          MaxPoolBackward(g, 0, g.height, grad.data(), places.data(), below.data());
          ActivationBackward(activation, 0.0f, nullptr, x.data(), below.data(), inputs,
                             below.data());
          ActivationBackward(activation, 0.0f, nullptr, y.data(), grad.data(), outputs,
                             grad.data());
          MaxPoolBackward(g, 0, g.height, grad.data(), places.data(), above.data());
          ASSERT_TRUE(testing::SameBits(above, below));
        }
      }
    }
  });
}

struct Trained {
  NamedValues parameters;
  NamedValues moments;
  std::vector<double> losses;
};

Trained Train(bool apart) {
  Network network = Pooled(apart).Build(5);
  const testing::RandomExamples examples(network, 60, 3);
  Trainer trainer(network, {.max_batch_size = kBatch, .seed = 3});
  Trained trained;
  for (int step = 0; step < 4; ++step) {
    const std::int64_t first = 7 * step;
    const std::int64_t batch = kBatch - step;
    trained.losses.push_back(
        trainer.Step(batch, examples.Inputs(first, batch), examples.Targets(first, batch)).loss);
  }
  trained.parameters = testing::ParametersOf(network);
  trained.moments = testing::StateOf(trainer, network);
  return trained;
}

TEST(OvertakenClamp, HasTheBitsOfAPassOfItsOwn) {
  const int threads = ThreadPool::Shared().thread_count();
  testing::ForEachCpuTarget([] {
    ThreadPool::Shared().SetThreadCount(1);
    const Trained apart = Train(true);
    for (const int workers : {1, 3}) {
      ThreadPool::Shared().SetThreadCount(workers);
      const Trained moved = Train(false);
      EXPECT_EQ(moved.losses, apart.losses);
      EXPECT_EQ(Differences(moved.parameters, apart.parameters), std::vector<std::string>());
      EXPECT_EQ(Differences(moved.moments, apart.moments), std::vector<std::string>());
    }
  });
  ThreadPool::Shared().SetThreadCount(threads);
}

}  // namespace
}  // namespace espalier
