// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv2d.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "testing/conv2d_cases.h"
#include "testing/conv2d_reference.h"
#include "testing/cpu_targets.h"
#include "testing/gradient_check.h"
#include "testing/guarded_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::Conv2dCase;
using testing::Conv2dReference;
using testing::ForEachCpuTarget;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::RelativeNorm;
using testing::SameBits;

std::vector<float> RandomFloats(std::size_t size, std::uint32_t stream) {
  Random random({.seed = 5, .index = stream});
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(random.NextNormal());
  return values;
}

// A copy that ends (or begins) where any access faults.
struct GuardedCopy {
  GuardedCopy(const std::vector<float>& values, GuardSide side) : floats(values.size(), side) {
    std::copy(values.begin(), values.end(), floats.data());
  }
  const float* data() { return floats.data(); }
  GuardedFloats floats;
};

// Arrays of one case. What a kernel reads and writes lies in guarded memory.
struct Problem {
  explicit Problem(const Conv2dCase& c)
      : reference{c.Geometry(), c.batch},
        input(RandomFloats(reference.InputSize(), 1)),
        weights(RandomFloats(reference.WeightSize(), 2)),
        bias(RandomFloats(static_cast<std::size_t>(c.output_channels), 3)),
        grad_output(RandomFloats(reference.OutputSize(), 4)) {}

  std::vector<float> Forward(const Epilogue& epilogue, int workers = 1,
                             GuardSide side = GuardSide::kAfter) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    GuardedFloats packed(static_cast<std::size_t>(Conv2dPackedFloats(reference.geometry)), side);
    Conv2dPackWeights(reference.geometry, GuardedCopy(weights, side).data(), packed.data(),
                      workspace);
    GuardedFloats output(reference.OutputSize(), side);
    Conv2dForward(reference.geometry, reference.batch, GuardedCopy(input, side).data(),
                  packed.data(), epilogue, output.data(), workspace);
    return output.ToVector();
  }

  std::vector<float> ForwardPooled(const Epilogue& epilogue, std::size_t size) const {
    Workspace workspace(1, Conv2dScratchFloats(reference.geometry));
    std::vector<float> packed(static_cast<std::size_t>(Conv2dPackedFloats(reference.geometry)));
    Conv2dPackWeights(reference.geometry, weights.data(), packed.data(), workspace);
    GuardedFloats output(size, GuardSide::kAfter);
    std::fill_n(output.data(), output.size(), -1.0f);
    Conv2dForwardPooled(reference.geometry, reference.batch, input.data(), packed.data(), epilogue,
                        output.data(), workspace);
    return output.ToVector();
  }

  std::vector<float> GradInput(int workers = 1, GuardSide side = GuardSide::kAfter) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    GuardedFloats grad(reference.InputSize(), side);
    std::fill_n(grad.data(), grad.size(), std::numeric_limits<float>::quiet_NaN());
    GuardedFloats buffer(BackwardFloats(), side);
    std::fill_n(buffer.data(), buffer.size(), std::numeric_limits<float>::quiet_NaN());
    Conv2dBackwardInput(reference.geometry, reference.batch, GuardedCopy(grad_output, side).data(),
                        GuardedCopy(weights, side).data(), grad.data(), buffer.data(), workspace);
    return grad.ToVector();
  }

  struct GradParameters {
    std::vector<float> weights, bias;
  };
  GradParameters GradWeights(int workers = 1, GuardSide side = GuardSide::kAfter) const {
    Workspace workspace(workers, Conv2dScratchFloats(reference.geometry));
    GuardedFloats grad_weights(reference.WeightSize(), side);
    GuardedFloats grad_bias(bias.size(), side);
    GuardedFloats buffer(BackwardFloats(), side);
    for (GuardedFloats* floats : {&grad_weights, &grad_bias, &buffer}) {
      std::fill_n(floats->data(), floats->size(), std::numeric_limits<float>::quiet_NaN());
    }
    Conv2dBackwardWeights(reference.geometry, reference.batch, GuardedCopy(input, side).data(),
                          GuardedCopy(grad_output, side).data(), grad_weights.data(),
                          grad_bias.data(), buffer.data(), workspace);
    return {grad_weights.ToVector(), grad_bias.ToVector()};
  }

  std::size_t BackwardFloats() const {
    return static_cast<std::size_t>(Conv2dBackwardFloats(reference.geometry, reference.batch));
  }

  Conv2dReference reference;
  std::vector<float> input, weights, bias, grad_output;
};

TEST(Conv2d, AllThreeProductsEqualTheDefinition) {
  for (const Conv2dCase& c : testing::Conv2dCases()) {
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
      const Epilogue epilogue{.column_bias = problem.bias.data()};
      for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
        EXPECT_LE(RelativeNorm(problem.Forward(epilogue, 1, side), output), 1e-6);
        EXPECT_LE(RelativeNorm(problem.GradInput(1, side), grad_input),
                  testing::kGradientRelativeNorm);
        const auto parameters = problem.GradWeights(1, side);
        EXPECT_LE(RelativeNorm(parameters.weights, grad_weights), testing::kGradientRelativeNorm);
        EXPECT_LE(RelativeNorm(parameters.bias, grad_bias), testing::kGradientRelativeNorm);
      }
    });
  }
}

TEST(Conv2d, AWrongGradientIsNoticed) {
  const Problem problem(testing::Conv2dCases()[1]);
  const auto expected = problem.reference.GradInput(testing::ToDouble(problem.grad_output),
                                                    testing::ToDouble(problem.weights));
  std::vector<float> got = problem.GradInput();
  EXPECT_LE(RelativeNorm(got, expected), testing::kGradientRelativeNorm);
  got[got.size() / 2] += 0.01f;
  EXPECT_GT(RelativeNorm(got, expected), testing::kGradientRelativeNorm);
}

TEST(Conv2d, TheReferenceGradientsAreCentralDifferences) {
  for (const Conv2dCase& c : testing::Conv2dCases()) {
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
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    SCOPED_TRACE(c.name);
    Conv2dCase larger = c;
    larger.batch = 11;
    const Problem problem(larger);
    const Epilogue epilogue{.column_bias = problem.bias.data(), .activation = Activation::kRelu};
    ForEachCpuTarget([&] {
      const auto output = problem.Forward(epilogue);
      const auto grad_input = problem.GradInput();
      const auto parameters = problem.GradWeights();
      for (const int workers : {2, 3, 5, 8}) {
        SCOPED_TRACE(workers);
        EXPECT_TRUE(SameBits(problem.Forward(epilogue, workers), output));
        EXPECT_TRUE(SameBits(problem.GradInput(workers), grad_input));
        const auto got = problem.GradWeights(workers);
        EXPECT_TRUE(SameBits(got.weights, parameters.weights));
        EXPECT_TRUE(SameBits(got.bias, parameters.bias));
      }
    });
  }
}

TEST(Conv2d, AResidualIsAddedBeforeTheActivation) {
  ThreadPool::Shared().SetThreadCount(3);
  int added = 0;
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    SCOPED_TRACE(c.name);
    const Problem problem(c);
    if (!Conv2dCanAdd(problem.reference.geometry)) continue;
    ++added;
    const std::vector<float> residual = RandomFloats(problem.reference.OutputSize(), 6);
    auto expected = problem.reference.Forward(testing::ToDouble(problem.input),
                                              testing::ToDouble(problem.weights),
                                              testing::ToDouble(problem.bias));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = std::max(0.0, expected[i] + residual[i]);
    }
    for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
      GuardedCopy guarded(residual, side);
      const Epilogue epilogue{.column_bias = problem.bias.data(),
                              .residual = guarded.data(),
                              .residual_stride = c.output_channels,
                              .activation = Activation::kRelu};
      ForEachCpuTarget([&] {
        const auto output = problem.Forward(epilogue);
        EXPECT_LE(RelativeNorm(output, expected), 1e-6);
        EXPECT_TRUE(SameBits(problem.Forward(epilogue, 3), output));
      });
    }
  }
  EXPECT_GT(added, 9);
}

// What the test of workers takes for granted. A call may be over before another worker wakes up,
// hence the repetitions.
TEST(Conv2d, WorkIsShared) {
  ThreadPool::Shared().SetThreadCount(8);
  Conv2dCase large = testing::Conv2dCases()[2];
  large.batch = 40;
  const Problem problem(large);
  const std::pair<const char*, std::function<void()>> products[] = {
      {"forward", [&] { problem.Forward({}, 8); }},
      {"backward input", [&] { problem.GradInput(8); }},
      {"backward weights", [&] { problem.GradWeights(8); }},
  };
  for (const auto& [name, run] : products) {
    SCOPED_TRACE(name);
    ThreadPool::Shared().ResetWidestRun();
    for (int i = 0; i < 200 && ThreadPool::Shared().widest_run() < 2; ++i) run();
    EXPECT_GT(ThreadPool::Shared().widest_run(), 1);
  }
}

TEST(Conv2d, AnExampleHasTheSameBitsInAnyBatch) {
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    SCOPED_TRACE(c.name);
    Conv2dCase larger = c;
    larger.batch = 37;
    Problem all(larger);
    const Epilogue epilogue{.column_bias = all.bias.data(), .activation = Activation::kGelu};
    ForEachCpuTarget([&] {
      const auto output = all.Forward(epilogue);
      const std::size_t in_size = all.input.size() / 37;
      const std::size_t out_size = output.size() / 37;
      for (const std::size_t e : {0u, 5u, 36u}) {
        Conv2dCase single = c;
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

// The same convolution without pooling, then the maximum of each 2 x 2 positions.
TEST(Conv2d, PoolingIsThatOfItsOwnPass) {
  int pooled = 0;
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    SCOPED_TRACE(c.name);
    Problem problem(c);
    const ConvolutionGeometry& g = problem.reference.geometry;
    problem.input[problem.input.size() / 3] = std::numeric_limits<float>::quiet_NaN();
    const Epilogue epilogue{.column_bias = problem.bias.data(), .activation = Activation::kRelu};
    ForEachCpuTarget([&] {
      if (!Conv2dCanPool(g, epilogue.activation)) return;
      ++pooled;
      const std::vector<float> plain = problem.Forward(epilogue);
      const auto at = [&](std::int64_t e, std::int64_t y, std::int64_t x, std::int64_t o) {
        return plain[static_cast<std::size_t>(
            ((e * g.output_height + y) * g.output_width + x) * g.output_channels + o)];
      };
      const auto larger = [](float a, float b) {
        return std::isnan(a) || std::isnan(b) ? std::numeric_limits<float>::quiet_NaN()
                                              : std::max(a, b);
      };
      std::vector<float> expected;
      for (std::int64_t e = 0; e < c.batch; ++e) {
        for (std::int64_t y = 0; y + 1 < g.output_height; y += 2) {
          for (std::int64_t x = 0; x + 1 < g.output_width; x += 2) {
            for (std::int64_t o = 0; o < g.output_channels; ++o) {
              expected.push_back(larger(larger(at(e, y, x, o), at(e, y, x + 1, o)),
                                        larger(at(e, y + 1, x, o), at(e, y + 1, x + 1, o))));
            }
          }
        }
      }
      const std::vector<float> got = problem.ForwardPooled(epilogue, expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_TRUE(got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i]))) << i;
      }
    });
  }
  EXPECT_GT(pooled, 9);
}

TEST(Conv2d, EmptyBatch) {
  const ConvolutionGeometry geometry = testing::Conv2dCases()[0].Geometry();
  Workspace workspace(1, Conv2dScratchFloats(geometry));
  std::vector<float> weights(45, 1.0f);
  std::vector<float> grad_weights(45, 1.0f);
  std::vector<float> grad_bias(5, 1.0f);
  std::vector<float> packed(static_cast<std::size_t>(Conv2dPackedFloats(geometry)));
  std::vector<float> buffer(static_cast<std::size_t>(Conv2dBackwardFloats(geometry, 0)));
  Conv2dPackWeights(geometry, weights.data(), packed.data(), workspace);
  Conv2dForward(geometry, 0, nullptr, packed.data(), {}, nullptr, workspace);
  Conv2dBackwardInput(geometry, 0, nullptr, weights.data(), nullptr, buffer.data(), workspace);
  Conv2dBackwardWeights(geometry, 0, nullptr, nullptr, grad_weights.data(), grad_bias.data(),
                        buffer.data(), workspace);
  EXPECT_EQ(grad_weights, std::vector<float>(45, 0.0f));
  EXPECT_EQ(grad_bias, std::vector<float>(5, 0.0f));
}

}  // namespace
}  // namespace espalier
