// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "espalier/predictor.h"
#include "espalier/runtime.h"
#include "testing/cpu_targets.h"
#include "testing/inference_networks.h"
#include "testing/messages.h"
#include "testing/tolerance.h"
#include "testing/widest_run.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::SameBits;

constexpr float kScale = 1.0f / 255.0f;
constexpr float kOffset = -0.25f;

/// A network by what reads its input first.
struct Case {
  std::string name;
  Network network;
  bool reads_pixels;  ///< else they are converted before
};

Network Headed(NetworkBuilder& builder) {
  builder.Head("kind", ClassesTask(3));
  return builder.Build(3);
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, bool reads_pixels, const Shape& shape,
                       bool is_normalized, const auto& layers) {
    NetworkBuilder builder(shape);
    if (is_normalized) {
      const std::size_t channels = static_cast<std::size_t>(shape[0]);
      std::vector<double> mean(channels), std(channels);
      for (std::size_t c = 0; c < channels; ++c) {
        mean[c] = 0.1 * static_cast<double>(c % 5);
        std[c] = 0.5 + 0.25 * static_cast<double>(c % 3);
      }
      builder.Normalize(mean, std);
    }
    layers(builder);
    cases.push_back({name, Headed(builder), reads_pixels});
  };
  const auto dense = [](NetworkBuilder& b) { b.Dense("d", 9).Relu(); };
  const auto convolution = [](NetworkBuilder& b) { b.Conv2d("c", 8, 3).Relu().MaxPool2d(2); };
  const auto strip = [](NetworkBuilder& b) {
    for (const char* name : {"a", "b"}) {
      b.Layer(testing::Spec("conv2d",
                            {{"channels", std::int64_t{24}},
                             {"kernel", std::int64_t{3}},
                             {"stride", std::int64_t{2}}},
                            name));
    }
  };
  const auto pool = [](NetworkBuilder& b) { b.MaxPool2d(2); };
  const auto norm = [](NetworkBuilder& b) { b.BatchNorm("n").Relu(); };
  add("vector", false, Shape::Vector(103), false, dense);
  add("normalized vector", false, Shape::Vector(103), true, dense);
  add("one channel, convolution", false, Shape::Image(1, 28, 28), false, convolution);
  add("one channel, strip", false, Shape::Image(1, 151, 149), false, strip);
  add("one channel, pool", false, Shape::Image(1, 12, 10), false, pool);
  add("one channel, normalized", true, Shape::Image(1, 73, 71), true, convolution);
  add("convolution", true, Shape::Image(3, 20, 20), false, convolution);
  add("convolution, normalized", true, Shape::Image(3, 20, 20), true, convolution);
  add("strip", true, Shape::Image(3, 151, 149), false, strip);
  add("dense on an image", true, Shape::Image(3, 6, 5), false, dense);
  add("pool", true, Shape::Image(4, 12, 10), false, pool);
  add("norm", true, Shape::Image(5, 9, 7), true, norm);
  add("many channels", true, Shape::Image(96, 4, 4), false, dense);
  add("too many channels", false, Shape::Image(97, 4, 4), true, dense);
  add("few positions", false, Shape::Image(3, 3, 5), true, dense);
  cases.push_back({"all fusions", testing::FusionNetwork(), true});
  return cases;
}

std::vector<std::uint8_t> SomePixels(std::int64_t count) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i * 37 + i / 251);
  }
  return pixels;
}

std::vector<float> Converted(const std::vector<std::uint8_t>& pixels) {
  std::vector<float> floats;
  for (const std::uint8_t pixel : pixels) {
    const float product = static_cast<float>(pixel) * kScale;
    floats.push_back(product + kOffset);
  }
  return floats;
}

TEST(PredictPixels, HasTheBitsOfTheirFloatsWhateverReadsThem) {
  testing::ForEachCpuTarget([] {
    for (const int threads : {1, 3}) {
      SetThreadCount(threads);
      for (const Case& test : Cases()) {
        const Predictor predictor(
            test.network, {.max_batch_size = 3, .pixel_scale = kScale, .pixel_offset = kOffset});
        for (const std::int64_t batch : {1, 2, 7}) {
          const auto pixels = SomePixels(batch * predictor.input_size());
          const auto inputs = Converted(pixels);
          std::vector<float> expected(static_cast<std::size_t>(batch * predictor.output_size()));
          std::vector<float> outputs(expected.size(), -777.0f);
          predictor.Predict(batch, inputs, expected);
          predictor.PredictPixels(batch, pixels, outputs);
          EXPECT_TRUE(SameBits(outputs, expected))
              << test.name << ", batch " << batch << ", threads " << threads;
        }
      }
    }
    SetThreadCount(2);
  });
}

// Room for pixels as floats is there from the start, where they are needed.
TEST(PredictPixels, NeedsNoMemoryInACall) {
  for (const Case& test : Cases()) {
    const std::int64_t before = NativeBytesInUse();
    const Predictor predictor(test.network, {.max_batch_size = 1000});
    const std::int64_t size = predictor.input_size();
    const auto pixels = SomePixels(900 * size);
    std::vector<float> outputs(static_cast<std::size_t>(900 * predictor.output_size()));
    const std::int64_t bytes = predictor.NativeBytes();
    EXPECT_EQ(NativeBytesInUse() - before, bytes);
    predictor.PredictPixels(900, pixels, outputs);
    EXPECT_EQ(predictor.NativeBytes(), bytes) << test.name;
    const char* how = test.reads_pixels ? "pixels: converted as the first operation reads them"
                                        : "pixels: converted before the first operation";
    EXPECT_NE(predictor.Describe().find(how), std::string::npos) << test.name << "\n"
                                                                 << predictor.Describe();
  }
}

TEST(PredictPixels, IsSharedAmongWorkersLikeFloats) {
  NetworkBuilder builder(Shape::Image(3, 150, 150));
  builder.MaxPool2d(2);
  const Network network = Headed(builder);
  SetThreadCount(3);
  const Predictor predictor(network);
  const auto pixels = SomePixels(4 * predictor.input_size());
  std::vector<float> outputs(static_cast<std::size_t>(4 * predictor.output_size()));
  std::vector<float> expected(outputs.size());
  const PredictorConfig alone{.threads = 1};
  Predictor(network, alone).PredictPixels(4, pixels, expected);
  const int widest = testing::WidestRunOf([&] {
    predictor.PredictPixels(4, pixels, outputs);
    EXPECT_TRUE(SameBits(outputs, expected));
  });
  EXPECT_GT(widest, 1);
  SetThreadCount(2);
}

TEST(PredictPixels, SizesAreChecked) {
  const Predictor predictor(testing::FusionNetwork());
  const auto pixels = SomePixels(2 * predictor.input_size());
  std::vector<float> outputs(static_cast<std::size_t>(2 * predictor.output_size()));
  MessageOf(ErrorCode::kShapeMismatch, [&] { predictor.PredictPixels(1, pixels, outputs); });
  MessageOf(ErrorCode::kShapeMismatch,
            [&] { predictor.PredictPixels(2, pixels, std::span(outputs).first(3)); });
}

}  // namespace
}  // namespace espalier
