// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "testing/conv2d_reference.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::Conv2dReference;
using testing::ForEachCpuTarget;
using testing::GuardedFloats;
using testing::GuardSide;

// Multiples of the direct sum's bound that each form must keep to.
double Factor(std::int64_t tile) { return tile == 2 ? 4.0 : 32.0; }

struct Case {
  std::string name;
  std::int64_t batch, channels, height, width, outputs;
  std::int64_t pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;

  ConvolutionGeometry Geometry() const {
    return {.channels = channels,
            .height = height,
            .width = width,
            .output_channels = outputs,
            .output_height = height + pad_top + pad_bottom - 2,
            .output_width = width + pad_left + pad_right - 2,
            .kernel_height = 3,
            .kernel_width = 3,
            .stride_height = 1,
            .stride_width = 1,
            .dilation_height = 1,
            .dilation_width = 1,
            .pad_top = pad_top,
            .pad_left = pad_left,
            .groups = 1};
  }

  WinogradConvolution Winograd(std::int64_t tile) const {
    const ConvolutionGeometry g = Geometry();
    return {tile,           channels, height,  width, outputs, g.output_height,
            g.output_width, pad_top,  pad_left};
  }
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"one of everything", 1, 1, 1, 1, 1},
      {"less than a tile", 2, 3, 3, 2, 5},
      {"whole tiles", 2, 16, 8, 8, 32},
      {"ragged tiles, lanes and panels", 3, 17, 7, 9, 33},
      {"no padding", 2, 5, 6, 11, 16, 0, 0, 0, 0},
      {"wide padding", 1, 7, 5, 6, 8, 2, 0, 1, 2},
      {"positions left out", 1, 9, 9, 9, 4, -1, -2, 0, 1},
      {"many channels", 1, 130, 5, 4, 70},
      {"several blocks of tiles", 2, 4, 40, 44, 6},
  };
  return cases;
}

std::vector<float> RandomFloats(std::size_t size, std::uint32_t stream) {
  Random random({.seed = 11, .index = stream});
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(random.NextNormal());
  return values;
}

std::vector<double> Magnitudes(std::vector<float> values) {
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) result[i] = std::abs(values[i]);
  return result;
}

// Largest |got - expected| as a multiple of the direct sum's bound.
double WorstError(const std::vector<float>& got, const std::vector<double>& expected,
                  const std::vector<double>& magnitudes, std::size_t terms) {
  double worst = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - expected[i]);
    if (!std::isfinite(error)) return std::numeric_limits<double>::infinity();
    const double bound = testing::SumTolerance(terms, magnitudes[i]);
    worst = std::max(worst, bound > 0.0 ? error / bound : (error > 0.0 ? 1e9 : 0.0));
  }
  return worst;
}

struct Problem {
  explicit Problem(const Case& c)
      : reference{c.Geometry(), c.batch},
        input(RandomFloats(reference.InputSize(), 1)),
        weights(RandomFloats(reference.WeightSize(), 2)),
        grad_output(RandomFloats(reference.OutputSize(), 3)),
        no_bias(static_cast<std::size_t>(c.outputs), 0.0) {}

  Conv2dReference reference;
  std::vector<float> input, weights, grad_output;
  std::vector<double> no_bias;
};

void Fill(const std::vector<float>& values, GuardedFloats& floats) {
  std::copy(values.begin(), values.end(), floats.data());
}

std::vector<float> Forward(const Case& c, const Problem& problem, std::int64_t tile, GuardSide side,
                           const Epilogue& epilogue = {}, bool pools = false) {
  const WinogradConvolution convolution = c.Winograd(tile);
  Workspace workspace(1, WinogradScratchFloats(convolution));
  GuardedFloats input(problem.input.size(), side);
  Fill(problem.input, input);
  GuardedFloats weights(problem.weights.size(), side);
  Fill(problem.weights, weights);
  GuardedFloats packed(static_cast<std::size_t>(WinogradPackedFloats(convolution)), side);
  WinogradPack(convolution, weights.data(), 9, 9 * c.channels, false, packed.data(), workspace);
  const std::int64_t positions =
      pools ? (convolution.output_height / 2) * (convolution.output_width / 2)
            : convolution.output_height * convolution.output_width;
  GuardedFloats output(static_cast<std::size_t>(c.batch * positions * c.outputs), side);
  std::fill_n(output.data(), output.size(), std::numeric_limits<float>::quiet_NaN());
  WinogradForward(convolution, c.batch, input.data(), packed.data(), epilogue, pools, output.data(),
                  workspace);
  return output.ToVector();
}

TEST(Winograd, OutputsKeepToTheirBound) {
  double worst[5] = {};
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    const Problem problem(c);
    const auto expected = problem.reference.Forward(
        testing::ToDouble(problem.input), testing::ToDouble(problem.weights), problem.no_bias);
    const auto magnitudes = problem.reference.Forward(Magnitudes(problem.input),
                                                      Magnitudes(problem.weights), problem.no_bias);
    const auto terms = static_cast<std::size_t>(9 * c.channels);
    ForEachCpuTarget([&] {
      for (const std::int64_t tile : {2, 4}) {
        SCOPED_TRACE(tile);
        for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
          const double error =
              WorstError(Forward(c, problem, tile, side), expected, magnitudes, terms);
          EXPECT_LE(error, Factor(tile));
          worst[tile] = std::max(worst[tile], error);
        }
      }
    });
  }
  RecordProperty("worst_2x2", std::to_string(worst[2]));
  RecordProperty("worst_4x4", std::to_string(worst[4]));
}

TEST(Winograd, GradientsOfWeightsKeepToTheirBound) {
  double worst[5] = {};
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    const Problem problem(c);
    const auto expected = problem.reference.GradWeights(testing::ToDouble(problem.grad_output),
                                                        testing::ToDouble(problem.input));
    const auto magnitudes =
        problem.reference.GradWeights(Magnitudes(problem.grad_output), Magnitudes(problem.input));
    const auto terms = problem.reference.OutputSize() / static_cast<std::size_t>(c.outputs);
    ForEachCpuTarget([&] {
      for (const std::int64_t tile : {2, 4}) {
        SCOPED_TRACE(tile);
        const WinogradConvolution convolution = c.Winograd(tile);
        Workspace workspace(1, 0);
        GuardedFloats buffer(
            static_cast<std::size_t>(WinogradGradWeightsFloats(convolution, c.batch)),
            GuardSide::kAfter);
        GuardedFloats grad(problem.weights.size(), GuardSide::kAfter);
        std::fill_n(buffer.data(), buffer.size(), std::numeric_limits<float>::quiet_NaN());
        WinogradBackwardWeights(convolution, c.batch, problem.input.data(),
                                problem.grad_output.data(), grad.data(), buffer.data(), workspace);
        const double error = WorstError(grad.ToVector(), expected, magnitudes, terms);
        EXPECT_LE(error, Factor(tile));
        worst[tile] = std::max(worst[tile], error);
      }
    });
  }
  RecordProperty("worst_2x2", std::to_string(worst[2]));
  RecordProperty("worst_4x4", std::to_string(worst[4]));
}

// A bound that no error could pass would prove nothing.
TEST(Winograd, AWrongWeightPassesTheBound) {
  const Case& c = Cases()[3];
  Problem problem(c);
  const auto expected = problem.reference.Forward(
      testing::ToDouble(problem.input), testing::ToDouble(problem.weights), problem.no_bias);
  const auto magnitudes = problem.reference.Forward(Magnitudes(problem.input),
                                                    Magnitudes(problem.weights), problem.no_bias);
  problem.weights[40] += 0.05f;
  EXPECT_GT(WorstError(Forward(c, problem, 4, GuardSide::kAfter), expected, magnitudes,
                       static_cast<std::size_t>(9 * c.channels)),
            Factor(4));
}

TEST(Winograd, BiasActivationAndPoolingAreThoseOfTheirOwnPasses) {
  for (const Case& c : Cases()) {
    const ConvolutionGeometry g = c.Geometry();
    if (g.output_height < 2 || g.output_width < 2) continue;
    SCOPED_TRACE(c.name);
    Problem problem(c);
    problem.input[problem.input.size() / 2] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> bias = RandomFloats(static_cast<std::size_t>(c.outputs), 4);
    ForEachCpuTarget([&] {
      for (const std::int64_t tile : {2, 4}) {
        std::vector<float> plain = Forward(c, problem, tile, GuardSide::kAfter);
        for (std::size_t i = 0; i < plain.size(); ++i) {
          const float value = plain[i] + bias[i % bias.size()];
          plain[i] = value <= 0.0f ? 0.0f : value;
        }
        const Epilogue epilogue{.column_bias = bias.data(), .activation = Activation::kRelu};
        EXPECT_TRUE(
            testing::SameBits(Forward(c, problem, tile, GuardSide::kAfter, epilogue), plain));
        const std::vector<float> pooled =
            Forward(c, problem, tile, GuardSide::kAfter, epilogue, true);
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
