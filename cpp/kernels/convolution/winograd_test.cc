// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "testing/conv2d_sums.h"
#include "testing/cpu_targets.h"
#include "testing/tolerance.h"
#include "testing/winograd_cases.h"

namespace espalier {
namespace {

using testing::ExactSums;
using testing::ForEachCpuTarget;
using testing::GuardSide;
using testing::WinogradCase;
using testing::WinogradProblem;
using Options = WinogradProblem::Options;

// Multiples of the direct sum's bound that each form must keep to.
double Factor(std::int64_t tile) { return tile == 2 ? 4.0 : 32.0; }

ExactSums ExpectedOutputs(const WinogradProblem& problem) {
  const std::vector<float> no_bias(
      static_cast<std::size_t>(problem.reference.geometry.output_channels));
  ExactSums sums =
      testing::ExactOutputs(problem.reference, problem.input, problem.weights, no_bias);
  --sums.terms;  // there is no bias to add
  return sums;
}

ExactSums ExpectedInputGradients(const WinogradProblem& problem) {
  return testing::ExactInputGradients(problem.reference, problem.grad_output, problem.weights);
}

// run(options) on every target, with both tiles and with guards on both sides; `worst` keeps
// the largest error by tile.
template <typename Run>
void ExpectWithinBounds(const ExactSums& expected, double (&worst)[5], Run run) {
  ForEachCpuTarget([&] {
    for (const std::int64_t tile : {2, 4}) {
      SCOPED_TRACE(tile);
      for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
        const double error = expected.WorstError(run({.tile = tile, .side = side}));
        EXPECT_LE(error, Factor(tile));
        worst[tile] = std::max(worst[tile], error);
      }
    }
  });
}

void RecordWorst(const double (&worst)[5]) {
  ::testing::Test::RecordProperty("worst_2x2", std::to_string(worst[2]));
  ::testing::Test::RecordProperty("worst_4x4", std::to_string(worst[4]));
}

TEST(Winograd, OutputsKeepToTheirBound) {
  double worst[5] = {};
  for (const WinogradCase& c : testing::WinogradCases()) {
    SCOPED_TRACE(c.name);
    const WinogradProblem problem(c);
    ExpectWithinBounds(ExpectedOutputs(problem), worst,
                       [&](const Options& options) { return problem.Forward(options); });
  }
  RecordWorst(worst);
}

TEST(Winograd, GradientsOfInputsKeepToTheirBound) {
  double worst[5] = {};
  for (const WinogradCase& c : testing::WinogradCases()) {
    if (!c.HasInputGradient()) continue;
    SCOPED_TRACE(c.name);
    const WinogradProblem problem(c);
    ExpectWithinBounds(ExpectedInputGradients(problem), worst,
                       [&](const Options& options) { return problem.GradInput(options); });
  }
  RecordWorst(worst);
}

TEST(Winograd, GradientsOfWeightsKeepToTheirBound) {
  double worst[5] = {};
  for (const WinogradCase& c : testing::WinogradCases()) {
    SCOPED_TRACE(c.name);
    const WinogradProblem problem(c);
    ExpectWithinBounds(
        testing::ExactWeightGradients(problem.reference, problem.grad_output, problem.input), worst,
        [&](const Options& options) { return problem.GradWeights(options); });
  }
  RecordWorst(worst);
}

// Bounds that no error could pass would prove nothing.
TEST(Winograd, AWrongWeightPassesTheBounds) {
  WinogradProblem problem(testing::WinogradCases()[3]);
  const ExactSums outputs = ExpectedOutputs(problem);
  const ExactSums input_gradients = ExpectedInputGradients(problem);
  problem.weights[40] += 0.05f;
  EXPECT_GT(outputs.WorstError(problem.Forward({})), Factor(4));
  EXPECT_GT(input_gradients.WorstError(problem.GradInput({})), Factor(4));
}

TEST(Winograd, BiasActivationAndPoolingAreThoseOfTheirOwnPasses) {
  for (const WinogradCase& c : testing::WinogradCases()) {
    const ConvolutionGeometry g = c.Geometry();
    if (g.output_height < 2 || g.output_width < 2) continue;
    SCOPED_TRACE(c.name);
    WinogradProblem problem(c);
    problem.input[problem.input.size() / 2] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> bias =
        WinogradProblem::NormalFloats(static_cast<std::size_t>(c.outputs), 4);
    ForEachCpuTarget([&] {
      for (const std::int64_t tile : {2, 4}) {
        std::vector<float> plain = problem.Forward({.tile = tile});
        for (std::size_t i = 0; i < plain.size(); ++i) {
          const float value = plain[i] + bias[i % bias.size()];
          plain[i] = value <= 0.0f ? 0.0f : value;
        }
        const Epilogue epilogue{.column_bias = bias.data(), .activation = Activation::kRelu};
        EXPECT_TRUE(
            testing::SameBits(problem.Forward({.tile = tile, .epilogue = epilogue}), plain));
        const std::vector<float> pooled =
            problem.Forward({.tile = tile, .epilogue = epilogue, .pools = true});
        std::size_t i = 0;
        for (std::int64_t e = 0; e < c.batch; ++e) {
          for (std::int64_t y = 0; y + 1 < g.output_height; y += 2) {
            for (std::int64_t x = 0; x + 1 < g.output_width; x += 2) {
              for (std::int64_t o = 0; o < c.outputs; ++o, ++i) {
                float largest = -1.0f;
                for (const auto& [dy, dx] : {std::pair(0, 0), {0, 1}, {1, 0}, {1, 1}}) {
                  const float value = plain[static_cast<std::size_t>(
                      ((e * g.output_height + y + dy) * g.output_width + x + dx) * c.outputs + o)];
                  largest = std::isnan(value) || std::isnan(largest)
                                ? std::numeric_limits<float>::quiet_NaN()
                                : std::max(largest, value);
                }
                ASSERT_TRUE(pooled[i] == largest || (std::isnan(pooled[i]) && std::isnan(largest)))
                    << i << ": expected " << largest << ", got " << pooled[i];
              }
            }
          }
        }
        EXPECT_EQ(i, pooled.size());
      }
    });
  }
}

}  // namespace
}  // namespace espalier
