// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/conv2d.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "kernels/convolution/conv2d_algorithm.h"
#include "testing/conv2d_cases.h"
#include "testing/conv2d_problem.h"
#include "testing/conv2d_reference.h"
#include "testing/conv2d_sums.h"
#include "testing/cpu_targets.h"
#include "testing/gradient_check.h"
#include "testing/guarded_floats.h"
#include "testing/tolerance.h"
#include "testing/widest_run.h"

namespace espalier {
namespace {

using testing::Conv2dCase;
using testing::Conv2dProblem;
using testing::Conv2dReference;
using testing::ExactSums;
using testing::ForEachCpuTarget;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameBits;

// Multiples of a direct sum's bound that a convolution by `geometry` must keep to.
double BoundFactor(const ConvolutionGeometry& geometry) {
  switch (ChooseAlgorithm(geometry)) {
    case ConvolutionAlgorithm::kWinograd2:
      return 4.0;
    case ConvolutionAlgorithm::kWinograd4:
      return 32.0;
    default:
      return 1.0;
  }
}

TEST(Conv2d, AllThreeProductsEqualTheDefinition) {
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    SCOPED_TRACE(c.name);
    const Conv2dProblem problem(c);
    const Conv2dReference& reference = problem.reference;
    const ExactSums output =
        testing::ExactOutputs(reference, problem.input, problem.weights, problem.bias);
    const ExactSums grad_input =
        testing::ExactInputGradients(reference, problem.grad_output, problem.weights);
    const ExactSums grad_weights =
        testing::ExactWeightGradients(reference, problem.grad_output, problem.input);
    const ExactSums grad_bias = testing::ExactBiasGradients(reference, problem.grad_output);
    const double factor = BoundFactor(reference.geometry);
    const bool has_stride = c.stride_height > 1 || c.stride_width > 1;
    const double input_factor =
        has_stride ? 1.0 : BoundFactor(GradientGeometry(reference.geometry));
    ForEachCpuTarget([&] {
      const Epilogue epilogue{.column_bias = problem.bias.data()};
      for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
        EXPECT_LE(output.WorstError(problem.Forward(epilogue, 1, side)), factor);
        EXPECT_LE(grad_input.WorstError(problem.GradInput(1, side)), input_factor);
        const auto parameters = problem.GradWeights(1, side);
        EXPECT_LE(grad_weights.WorstError(parameters.weights), factor);
        EXPECT_LE(grad_bias.WorstError(parameters.bias), 1.0);
      }
    });
  }
}

// F(4 x 4) divides by numbers that are no powers of two.
TEST(Conv2d, IntegersAreExact) {
  const auto equals = [](const std::vector<float>& got, const std::vector<double>& expected) {
    return testing::ToDouble(got) == expected;
  };
  int forward = 0;
  int input_gradients = 0;
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    SCOPED_TRACE(c.name);
    Conv2dProblem problem(c);
    problem.MakeIntegers();
    const Conv2dReference& reference = problem.reference;
    const auto input = testing::ToDouble(problem.input);
    const auto weights = testing::ToDouble(problem.weights);
    const auto grad_output = testing::ToDouble(problem.grad_output);
    const bool has_stride = c.stride_height > 1 || c.stride_width > 1;
    const auto output = reference.Forward(input, weights, testing::ToDouble(problem.bias));
    const auto grad_input = reference.GradInput(grad_output, weights);
    const auto grad_weights = reference.GradWeights(grad_output, input);
    const auto grad_bias = reference.GradBias(grad_output);
    ForEachCpuTarget([&] {
      const auto parameters = problem.GradWeights();
      if (ChooseAlgorithm(reference.geometry) != ConvolutionAlgorithm::kWinograd4) {
        EXPECT_TRUE(equals(problem.Forward({.column_bias = problem.bias.data()}), output));
        EXPECT_TRUE(equals(parameters.weights, grad_weights));
        ++forward;
      }
      EXPECT_TRUE(equals(parameters.bias, grad_bias));
      if (has_stride || ChooseAlgorithm(GradientGeometry(reference.geometry)) !=
                            ConvolutionAlgorithm::kWinograd4) {
        EXPECT_TRUE(equals(problem.GradInput(), grad_input));
        ++input_gradients;
      }
    });
  }
  EXPECT_GT(forward, 20);
  EXPECT_GT(input_gradients, 20);
}

TEST(Conv2d, AWrongGradientIsNoticed) {
  const Conv2dProblem problem(testing::Conv2dCases()[1]);
  const double factor = BoundFactor(GradientGeometry(problem.reference.geometry));
  const ExactSums expected =
      testing::ExactInputGradients(problem.reference, problem.grad_output, problem.weights);
  std::vector<float> got = problem.GradInput();
  EXPECT_LE(expected.WorstError(got), factor);
  got[got.size() / 2] += 0.01f;
  EXPECT_GT(expected.WorstError(got), factor);
}

TEST(Conv2d, TheReferenceGradientsAreCentralDifferences) {
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    if (c.channels * c.height * c.width > 700 || c.output_channels > 40) continue;
    SCOPED_TRACE(c.name);
    const Conv2dProblem problem(c);
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
    const Conv2dProblem problem(larger);
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
    const Conv2dProblem problem(c);
    if (!Conv2dCanAdd(problem.reference.geometry)) continue;
    ++added;
    const std::vector<float> residual =
        Conv2dProblem::NormalFloats(problem.reference.OutputSize(), 6);
    auto expected = problem.reference.Forward(testing::ToDouble(problem.input),
                                              testing::ToDouble(problem.weights),
                                              testing::ToDouble(problem.bias));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = std::max(0.0, expected[i] + residual[i]);
    }
    for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
      GuardedFloats guarded(residual, side);
      const Epilogue epilogue{.column_bias = problem.bias.data(),
                              .residual = guarded.data(),
                              .residual_stride = c.output_channels,
                              .activation = Activation::kRelu};
      ForEachCpuTarget([&] {
        const auto output = problem.Forward(epilogue);
        EXPECT_LE(testing::RelativeNorm(output, expected), 1e-6);
        EXPECT_TRUE(SameBits(problem.Forward(epilogue, 3), output));
      });
    }
  }
  EXPECT_GT(added, 9);
}

// What the test of workers takes for granted.
TEST(Conv2d, WorkIsShared) {
  ThreadPool::Shared().SetThreadCount(8);
  Conv2dCase large = testing::Conv2dCases()[2];
  large.batch = 40;
  const Conv2dProblem problem(large);
  const std::pair<const char*, std::function<void()>> products[] = {
      {"forward", [&] { problem.Forward({}, 8); }},
      {"backward input", [&] { problem.GradInput(8); }},
      {"backward weights", [&] { problem.GradWeights(8); }},
  };
  for (const auto& [name, run] : products) {
    SCOPED_TRACE(name);
    EXPECT_GT(testing::WidestRunOf(run), 1);
  }
}

TEST(Conv2d, AnExampleHasTheSameBitsInAnyBatch) {
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    SCOPED_TRACE(c.name);
    Conv2dCase larger = c;
    larger.batch = 37;
    Conv2dProblem all(larger);
    const Epilogue epilogue{.column_bias = all.bias.data(), .activation = Activation::kGelu};
    ForEachCpuTarget([&] {
      const auto output = all.Forward(epilogue);
      const std::size_t in_size = all.input.size() / 37;
      const std::size_t out_size = output.size() / 37;
      for (const std::size_t e : {0u, 5u, 36u}) {
        Conv2dCase single = c;
        single.batch = 1;
        Conv2dProblem one(single);
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
    Conv2dProblem problem(c);
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
  ThreadPool::Shared().SetThreadCount(3);
  for (const Conv2dCase& c : testing::Conv2dCases()) {
    SCOPED_TRACE(c.name);
    Conv2dCase empty = c;
    empty.batch = 0;
    const Conv2dProblem problem(empty);
    for (const int workers : {1, 3}) {
      EXPECT_TRUE(problem.Forward({}, workers).empty());
      EXPECT_TRUE(problem.GradInput(workers).empty());
      const auto grad = problem.GradWeights(workers);
      EXPECT_EQ(grad.weights, std::vector<float>(problem.weights.size(), 0.0f));
      EXPECT_EQ(grad.bias, std::vector<float>(problem.bias.size(), 0.0f));
    }
  }
}

}  // namespace
}  // namespace espalier
