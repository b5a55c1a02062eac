// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv2d.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "testing/conv2d_reference.h"
#include "testing/cpu_targets.h"
#include "testing/gradient_check.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::Conv2dReference;
using testing::ForEachCpuTarget;
using testing::RelativeNorm;
using testing::SameBits;

struct Case {
  std::string name;
  std::int64_t batch, channels, height, width, output_channels;
  std::int64_t kernel_height, kernel_width;
  std::int64_t stride_height = 1, stride_width = 1;
  std::int64_t dilation_height = 1, dilation_width = 1;
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  std::int64_t groups = 1;

  ConvolutionGeometry Geometry() const {
    const auto size = [](std::int64_t n, std::int64_t pad, std::int64_t kernel, std::int64_t stride,
                         std::int64_t dilation) {
      return (n + pad - dilation * (kernel - 1) - 1) / stride + 1;
    };
    return {channels,
            height,
            width,
            output_channels,
            size(height, pad_top + pad_bottom, kernel_height, stride_height, dilation_height),
            size(width, pad_left + pad_right, kernel_width, stride_width, dilation_width),
            kernel_height,
            kernel_width,
            stride_height,
            stride_width,
            dilation_height,
            dilation_width,
            pad_top,
            pad_left,
            groups};
  }
};

// Designated fields keep the long list readable.
const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {.name = "3x3 same, one channel",
       .batch = 3,
       .channels = 1,
       .height = 9,
       .width = 17,
       .output_channels = 5,
       .kernel_height = 3,
       .kernel_width = 3,
       .pad_top = 1,
       .pad_left = 1,
       .pad_bottom = 1,
       .pad_right = 1},
      {.name = "3x3 same, several depth blocks",
       .batch = 2,
       .channels = 33,
       .height = 7,
       .width = 8,
       .output_channels = 17,
       .kernel_height = 3,
       .kernel_width = 3,
       .pad_top = 1,
       .pad_left = 1,
       .pad_bottom = 1,
       .pad_right = 1},
      {.name = "3x3 valid, several pieces",
       .batch = 2,
       .channels = 3,
       .height = 31,
       .width = 33,
       .output_channels = 16,
       .kernel_height = 3,
       .kernel_width = 3},
      {.name = "1x1 plain",
       .batch = 2,
       .channels = 65,
       .height = 5,
       .width = 7,
       .output_channels = 31,
       .kernel_height = 1,
       .kernel_width = 1},
      {.name = "1x1 stride 2",
       .batch = 2,
       .channels = 8,
       .height = 7,
       .width = 9,
       .output_channels = 7,
       .kernel_height = 1,
       .kernel_width = 1,
       .stride_height = 2,
       .stride_width = 2},
      {.name = "7x7 stride 2, pad 3",
       .batch = 2,
       .channels = 3,
       .height = 17,
       .width = 20,
       .output_channels = 8,
       .kernel_height = 7,
       .kernel_width = 7,
       .stride_height = 2,
       .stride_width = 2,
       .pad_top = 3,
       .pad_left = 3,
       .pad_bottom = 3,
       .pad_right = 3},
      {.name = "stride 3x2, uneven padding",
       .batch = 2,
       .channels = 4,
       .height = 13,
       .width = 11,
       .output_channels = 6,
       .kernel_height = 2,
       .kernel_width = 5,
       .stride_height = 3,
       .stride_width = 2,
       .pad_top = 0,
       .pad_left = 2,
       .pad_bottom = 1,
       .pad_right = 3},
      {.name = "dilation 2x3",
       .batch = 2,
       .channels = 5,
       .height = 15,
       .width = 16,
       .output_channels = 3,
       .kernel_height = 3,
       .kernel_width = 3,
       .dilation_height = 2,
       .dilation_width = 3,
       .pad_top = 2,
       .pad_left = 3,
       .pad_bottom = 2,
       .pad_right = 3},
      {.name = "dilation 3, stride 2",
       .batch = 1,
       .channels = 2,
       .height = 19,
       .width = 18,
       .output_channels = 4,
       .kernel_height = 3,
       .kernel_width = 3,
       .stride_height = 2,
       .stride_width = 2,
       .dilation_height = 3,
       .dilation_width = 3,
       .pad_top = 1,
       .pad_left = 1,
       .pad_bottom = 1,
       .pad_right = 1},
      {.name = "groups 3",
       .batch = 2,
       .channels = 9,
       .height = 8,
       .width = 6,
       .output_channels = 12,
       .kernel_height = 3,
       .kernel_width = 3,
       .pad_top = 1,
       .pad_left = 1,
       .pad_bottom = 1,
       .pad_right = 1,
       .groups = 3},
      {.name = "groups 2, stride 2",
       .batch = 3,
       .channels = 6,
       .height = 10,
       .width = 10,
       .output_channels = 34,
       .kernel_height = 3,
       .kernel_width = 3,
       .stride_height = 2,
       .stride_width = 2,
       .pad_top = 1,
       .pad_left = 1,
       .pad_bottom = 1,
       .pad_right = 1,
       .groups = 2},
      {.name = "depthwise 3x3",
       .batch = 2,
       .channels = 7,
       .height = 9,
       .width = 17,
       .output_channels = 7,
       .kernel_height = 3,
       .kernel_width = 3,
       .pad_top = 1,
       .pad_left = 1,
       .pad_bottom = 1,
       .pad_right = 1,
       .groups = 7},
      {.name = "depthwise 5x5, stride 2, multiplier 2",
       .batch = 2,
       .channels = 3,
       .height = 15,
       .width = 14,
       .output_channels = 6,
       .kernel_height = 5,
       .kernel_width = 5,
       .stride_height = 2,
       .stride_width = 2,
       .pad_top = 2,
       .pad_left = 2,
       .pad_bottom = 2,
       .pad_right = 2,
       .groups = 3},
      {.name = "depthwise, more elements than a block",
       .batch = 1,
       .channels = 2,
       .height = 18,
       .width = 19,
       .output_channels = 2,
       .kernel_height = 17,
       .kernel_width = 17,
       .groups = 2},
      {.name = "kernel larger than a block",
       .batch = 2,
       .channels = 2,
       .height = 20,
       .width = 19,
       .output_channels = 3,
       .kernel_height = 17,
       .kernel_width = 18},
      {.name = "whole image, one output",
       .batch = 3,
       .channels = 5,
       .height = 6,
       .width = 7,
       .output_channels = 4,
       .kernel_height = 6,
       .kernel_width = 7},
      {.name = "stride beyond the kernel",
       .batch = 2,
       .channels = 3,
       .height = 16,
       .width = 17,
       .output_channels = 5,
       .kernel_height = 2,
       .kernel_width = 2,
       .stride_height = 5,
       .stride_width = 4},
      {.name = "padding beyond the kernel",
       .batch = 1,
       .channels = 2,
       .height = 3,
       .width = 2,
       .output_channels = 3,
       .kernel_height = 2,
       .kernel_width = 2,
       .pad_top = 3,
       .pad_left = 4,
       .pad_bottom = 5,
       .pad_right = 3},
      {.name = "many output channels",
       .batch = 1,
       .channels = 2,
       .height = 4,
       .width = 4,
       .output_channels = 300,
       .kernel_height = 3,
       .kernel_width = 3,
       .pad_top = 1,
       .pad_left = 1,
       .pad_bottom = 1,
       .pad_right = 1},
      {.name = "one pixel wide",
       .batch = 2,
       .channels = 3,
       .height = 40,
       .width = 1,
       .output_channels = 4,
       .kernel_height = 3,
       .kernel_width = 1,
       .pad_top = 1,
       .pad_bottom = 1},
  };
  return cases;
}

std::vector<float> RandomFloats(std::size_t size, std::uint32_t stream) {
  Random random({.seed = 5, .index = stream});
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(random.NextNormal());
  return values;
}

// Arrays of one case, exactly as long as needed: what is touched past an end shows under
// AddressSanitizer and in the guards below.
struct Problem {
  explicit Problem(const Case& c)
      : reference{c.Geometry(), c.batch},
        input(RandomFloats(reference.InputSize(), 1)),
        weights(RandomFloats(reference.WeightSize(), 2)),
        bias(RandomFloats(static_cast<std::size_t>(c.output_channels), 3)),
        grad_output(RandomFloats(reference.OutputSize(), 4)) {}

  std::vector<float> Forward(const Epilogue& epilogue, int workers = 1) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    std::vector<float> output = Guarded(reference.OutputSize());
    Conv2dForward(reference.geometry, reference.batch, input.data(), weights.data(), epilogue,
                  output.data() + kGuard, workspace);
    return Unguarded(std::move(output));
  }

  std::vector<float> GradInput(int workers = 1) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    std::vector<float> grad = Guarded(reference.InputSize());
    Conv2dBackwardInput(reference.geometry, reference.batch, grad_output.data(), weights.data(),
                        grad.data() + kGuard, workspace);
    return Unguarded(std::move(grad));
  }

  // Weights, then bias.
  std::pair<std::vector<float>, std::vector<float>> GradParameters(int workers = 1) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    std::vector<float> grad_weights = Guarded(reference.WeightSize());
    std::vector<float> grad_bias = Guarded(bias.size());
    std::vector<float> partial =
        Guarded(static_cast<std::size_t>(Conv2dPartialFloats(reference.geometry, reference.batch)));
    Conv2dBackwardWeights(reference.geometry, reference.batch, input.data(), grad_output.data(),
                          grad_weights.data() + kGuard, grad_bias.data() + kGuard,
                          partial.data() + kGuard, workspace);
    Unguarded(std::move(partial));
    return {Unguarded(std::move(grad_weights)), Unguarded(std::move(grad_bias))};
  }

  static constexpr std::size_t kGuard = 67;
  static constexpr float kGuardValue = -12345.0f;

  static std::vector<float> Guarded(std::size_t size) {
    return std::vector<float>(size + 2 * kGuard, kGuardValue);
  }
  static std::vector<float> Unguarded(std::vector<float> guarded) {
    const auto begin = guarded.begin() + kGuard;
    const auto end = guarded.end() - kGuard;
    for (auto at = guarded.begin(); at != begin; ++at) EXPECT_EQ(*at, kGuardValue);
    for (auto at = end; at != guarded.end(); ++at) EXPECT_EQ(*at, kGuardValue);
    return {begin, end};
  }

  Conv2dReference reference;
  std::vector<float> input, weights, bias, grad_output;
};

TEST(Conv2d, AllThreeProductsEqualTheDefinition) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    const Problem problem(c);
    const auto input = testing::ToDouble(problem.input);
    const auto weights = testing::ToDouble(problem.weights);
    const auto grad_output = testing::ToDouble(problem.grad_output);
    const auto output = problem.reference.Forward(input, weights, testing::ToDouble(problem.bias));
    const auto grad_input = problem.reference.GradInput(grad_output, weights);
    const auto grad_weights = problem.reference.GradWeights(grad_output, input);
    const auto grad_bias = problem.reference.GradBias(grad_output);
    ForEachCpuTarget([&] {
      const Epilogue epilogue{.row_bias = problem.bias.data()};
      EXPECT_LE(RelativeNorm(problem.Forward(epilogue), output), 1e-6);
      EXPECT_LE(RelativeNorm(problem.GradInput(), grad_input), testing::kGradientRelativeNorm);
      const auto [got_weights, got_bias] = problem.GradParameters();
      EXPECT_LE(RelativeNorm(got_weights, grad_weights), testing::kGradientRelativeNorm);
      EXPECT_LE(RelativeNorm(got_bias, grad_bias), testing::kGradientRelativeNorm);
    });
  }
}

TEST(Conv2d, AWrongGradientIsNoticed) {
  const Problem problem(Cases()[1]);
  const auto expected = problem.reference.GradInput(testing::ToDouble(problem.grad_output),
                                                    testing::ToDouble(problem.weights));
  std::vector<float> got = problem.GradInput();
  EXPECT_LE(RelativeNorm(got, expected), testing::kGradientRelativeNorm);
  got[got.size() / 2] += 0.01f;
  EXPECT_GT(RelativeNorm(got, expected), testing::kGradientRelativeNorm);
}

TEST(Conv2d, TheReferenceGradientsAreCentralDifferences) {
  for (const Case& c : Cases()) {
    if (c.channels * c.height * c.width > 700 || c.output_channels > 40) continue;
    SCOPED_TRACE(c.name);
    const Problem problem(c);
    auto input = testing::ToDouble(problem.input);
    auto weights = testing::ToDouble(problem.weights);
    auto bias = testing::ToDouble(problem.bias);
    const auto grad_output = testing::ToDouble(problem.grad_output);
    const auto loss = [&] {
      const auto output = problem.reference.Forward(input, weights, bias);
      double sum = 0.0;
      for (std::size_t i = 0; i < output.size(); ++i) sum += output[i] * grad_output[i];
      return sum;
    };
    // All entries are alike, so some of each will do: every third or so.
    const auto skips = [](std::size_t size) {
      return [step = size / 60 + 1](std::size_t i) { return i % step != 0; };
    };
    EXPECT_EQ(testing::CheckGradient(input, problem.reference.GradInput(grad_output, weights), loss,
                                     1e-4, skips(input.size()))
                  .failed,
              0u);
    EXPECT_EQ(testing::CheckGradient(weights, problem.reference.GradWeights(grad_output, input),
                                     loss, 1e-4, skips(weights.size()))
                  .failed,
              0u);
    EXPECT_EQ(
        testing::CheckGradient(bias, problem.reference.GradBias(grad_output), loss, 1e-4).failed,
        0u);
  }
}

TEST(Conv2d, WorkersDoNotShowInTheBits) {
  ThreadPool::Shared().SetThreadCount(8);
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    Case larger = c;
    larger.batch = 11;
    const Problem problem(larger);
    const Epilogue epilogue{.row_bias = problem.bias.data(), .activation = Activation::kRelu};
    ForEachCpuTarget([&] {
      const auto output = problem.Forward(epilogue);
      const auto grad_input = problem.GradInput();
      const auto parameters = problem.GradParameters();
      for (const int workers : {2, 3, 5, 8}) {
        SCOPED_TRACE(workers);
        EXPECT_TRUE(SameBits(problem.Forward(epilogue, workers), output));
        EXPECT_TRUE(SameBits(problem.GradInput(workers), grad_input));
        const auto got = problem.GradParameters(workers);
        EXPECT_TRUE(SameBits(got.first, parameters.first));
        EXPECT_TRUE(SameBits(got.second, parameters.second));
      }
    });
  }
}

// What the test above takes for granted. A call may be over before another worker wakes up,
// hence the repetitions.
TEST(Conv2d, WorkIsShared) {
  ThreadPool::Shared().SetThreadCount(8);
  Case large = Cases()[2];
  large.batch = 40;
  const Problem problem(large);
  const std::pair<const char*, std::function<void()>> products[] = {
      {"forward", [&] { problem.Forward({}, 8); }},
      {"backward input", [&] { problem.GradInput(8); }},
      {"backward weights", [&] { problem.GradParameters(8); }},
  };
  for (const auto& [name, run] : products) {
    SCOPED_TRACE(name);
    ThreadPool::Shared().ResetWidestRun();
    for (int i = 0; i < 200 && ThreadPool::Shared().widest_run() < 2; ++i) run();
    EXPECT_GT(ThreadPool::Shared().widest_run(), 1);
  }
}

TEST(Conv2d, AnExampleHasTheSameBitsInAnyBatch) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    Case larger = c;
    larger.batch = 37;
    Problem all(larger);
    const Epilogue epilogue{.row_bias = all.bias.data(), .activation = Activation::kGelu};
    ForEachCpuTarget([&] {
      const auto output = all.Forward(epilogue);
      const std::size_t in_size = all.input.size() / 37;
      const std::size_t out_size = output.size() / 37;
      for (const std::size_t e : {0u, 5u, 36u}) {
        Case single = c;
        single.batch = 1;
        Problem one(single);
        one.weights = all.weights;
        one.input.assign(all.input.begin() + static_cast<std::ptrdiff_t>(e * in_size),
                         all.input.begin() + static_cast<std::ptrdiff_t>((e + 1) * in_size));
        const std::vector<float> expected(
            output.begin() + static_cast<std::ptrdiff_t>(e * out_size),
            output.begin() + static_cast<std::ptrdiff_t>((e + 1) * out_size));
        EXPECT_TRUE(SameBits(one.Forward(epilogue), expected));
      }
    });
  }
}

TEST(Conv2d, EmptyBatch) {
  const ConvolutionGeometry geometry = Cases()[0].Geometry();
  Workspace workspace(1, Conv2dScratchFloats(geometry));
  std::vector<float> weights(45, 1.0f);
  std::vector<float> grad_weights(45, 1.0f);
  std::vector<float> grad_bias(5, 1.0f);
  std::vector<float> partial(static_cast<std::size_t>(Conv2dPartialFloats(geometry, 0)));
  Conv2dForward(geometry, 0, nullptr, weights.data(), {}, nullptr, workspace);
  Conv2dBackwardInput(geometry, 0, nullptr, weights.data(), nullptr, workspace);
  Conv2dBackwardWeights(geometry, 0, nullptr, nullptr, grad_weights.data(), grad_bias.data(),
                        partial.data(), workspace);
  EXPECT_EQ(grad_weights, std::vector<float>(45, 0.0f));
  EXPECT_EQ(grad_bias, std::vector<float>(5, 0.0f));
}

}  // namespace
}  // namespace espalier
