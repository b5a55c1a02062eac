// SPDX-License-Identifier: Apache-2.0

// A NaN or an infinite value reaches what depends on it and nothing else, whichever lane it is
// in and whichever way the convolution is computed.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/convolution/conv2d_algorithm.h"
#include "testing/conv2d_problem.h"
#include "testing/cpu_targets.h"

namespace espalier {
namespace {

using testing::Conv2dCase;
using testing::Conv2dProblem;
using testing::ForEachCpuTarget;

constexpr float kSpecials[] = {std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity()};

struct Case {
  ConvolutionAlgorithm algorithm;
  Conv2dCase convolution;
};

Conv2dCase Square(const char* name, std::int64_t channels, std::int64_t size, std::int64_t outputs,
                  std::int64_t kernel, std::int64_t groups = 1, std::int64_t stride = 1) {
  return {.name = name,
          .batch = 2,
          .channels = channels,
          .height = size,
          .width = size,
          .output_channels = outputs,
          .kernel_height = kernel,
          .kernel_width = kernel,
          .stride_height = stride,
          .stride_width = stride,
          .pad_top = kernel / 2,
          .pad_left = kernel / 2,
          .pad_bottom = kernel / 2,
          .pad_right = kernel / 2,
          .groups = groups};
}

// More channels and outputs than four lanes of any target in a row, and a tail.
const Case kCases[] = {
    {ConvolutionAlgorithm::kShiftedRows, Square("one channel", 1, 6, 67, 3)},
    {ConvolutionAlgorithm::kShiftedRows, Square("5x5", 19, 5, 35, 5)},
    {ConvolutionAlgorithm::kShiftedRows, Square("stride 2", 35, 6, 19, 3, 1, 2)},
    {ConvolutionAlgorithm::kShiftedRows, Square("groups", 38, 4, 34, 3, 2)},
    {ConvolutionAlgorithm::kPlain, Square("1x1", 67, 3, 67, 1)},
    {ConvolutionAlgorithm::kDepthwise, Square("depthwise", 67, 5, 67, 3, 67)},
    {ConvolutionAlgorithm::kDepthwise, Square("depthwise, multiplier 2", 35, 5, 70, 3, 35)},
    {ConvolutionAlgorithm::kDepthwise, Square("depthwise, stride 2", 35, 6, 35, 5, 35, 2)},
    {ConvolutionAlgorithm::kWinograd2, Square("F(2x2)", 67, 3, 67, 3)},
    {ConvolutionAlgorithm::kWinograd4, Square("F(4x4)", 35, 10, 35, 3)},
};

// One of the products: which of its results may depend on its operand's element `at`.
struct Reach {
  std::vector<bool> depends;
  std::vector<bool> may_depend;
};

bool SameFloat(float a, float b) { return std::memcmp(&a, &b, sizeof(float)) == 0; }

void ExpectReach(const std::vector<float>& clean, const std::vector<float>& got,
                 const Reach& reach) {
  ASSERT_EQ(got.size(), clean.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (reach.depends[i]) {
      ASSERT_FALSE(std::isfinite(got[i])) << "result " << i << " does not show it";
    } else if (!reach.may_depend[i]) {
      ASSERT_TRUE(SameFloat(got[i], clean[i])) << "result " << i << " is not alone";
    }
  }
}

enum class Product { kForward, kGradInput, kGradWeights };

// With `position` of the images of `geometry` not finite: the tiles that read it may show it in
// all of their outputs.
void AddTiles(const ConvolutionGeometry& g, std::int64_t tile, std::int64_t position,
              std::vector<bool>& may_depend) {
  const std::int64_t x = position / g.channels % g.width;
  const std::int64_t y = position / g.channels / g.width % g.height;
  const std::int64_t example = position / g.channels / g.width / g.height;
  const auto reads = [tile](std::int64_t output, std::int64_t input, std::int64_t pad) {
    const std::int64_t first = output / tile * tile - pad;
    return input >= first && input < first + tile + 2;
  };
  for (std::int64_t oy = 0; oy < g.output_height; ++oy) {
    for (std::int64_t ox = 0; ox < g.output_width; ++ox) {
      if (!reads(oy, y, g.pad_top) || !reads(ox, x, g.pad_left)) continue;
      const std::int64_t at =
          ((example * g.output_height + oy) * g.output_width + ox) * g.output_channels;
      for (std::int64_t o = 0; o < g.output_channels; ++o) {
        may_depend[static_cast<std::size_t>(at + o)] = true;
      }
    }
  }
}

Reach ReachOf(const Conv2dProblem& problem, Product product, std::size_t at, bool has_stride) {
  const ConvolutionGeometry& g = problem.reference.geometry;
  const std::size_t size = product == Product::kForward     ? problem.reference.OutputSize()
                           : product == Product::kGradInput ? problem.reference.InputSize()
                                                            : problem.reference.WeightSize();
  Reach reach{std::vector<bool>(size), {}};
  problem.reference.ForEachProduct([&](std::size_t input, std::size_t weight, std::size_t output) {
    if (product == Product::kForward && input == at) reach.depends[output] = true;
    if (product == Product::kGradInput && output == at) reach.depends[input] = true;
    if (product == Product::kGradWeights && input == at) reach.depends[weight] = true;
  });
  reach.may_depend = reach.depends;
  const auto tile_of = [](ConvolutionAlgorithm algorithm) {
    return algorithm == ConvolutionAlgorithm::kWinograd2 ? 2 : 4;
  };
  if (product == Product::kGradWeights) {
    if (IsWinograd(ChooseAlgorithm(g))) {  // all taps of the channel
      for (std::size_t i = 0; i < size; ++i) {
        reach.may_depend[i] = i / 9 % static_cast<std::size_t>(g.channels) ==
                              at % static_cast<std::size_t>(g.channels);
      }
    }
  } else if (product == Product::kForward || !has_stride) {
    const ConvolutionGeometry from = product == Product::kForward ? g : GradientGeometry(g);
    const ConvolutionAlgorithm algorithm = ChooseAlgorithm(from);
    if (IsWinograd(algorithm)) {
      AddTiles(from, tile_of(algorithm), static_cast<std::int64_t>(at), reach.may_depend);
    }
  }
  return reach;
}

std::vector<float> ResultsOf(const Conv2dProblem& problem, Product product) {
  switch (product) {
    case Product::kForward:
      return problem.Forward({.column_bias = problem.bias.data()});
    case Product::kGradInput:
      return problem.GradInput();
    case Product::kGradWeights:
      return problem.GradWeights().weights;
  }
  return {};
}

TEST(Conv2dSpecialValues, ReachWhatDependsOnThemFromEveryLane) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.convolution.name);
    const bool has_stride = c.convolution.stride_height > 1;
    Conv2dProblem problem(c.convolution);
    ASSERT_EQ(ChooseAlgorithm(problem.reference.geometry), c.algorithm);
    for (const Product product : {Product::kForward, Product::kGradInput, Product::kGradWeights}) {
      SCOPED_TRACE(static_cast<int>(product));
      std::vector<float>& operand =
          product == Product::kGradInput ? problem.grad_output : problem.input;
      const std::size_t channels = static_cast<std::size_t>(
          product == Product::kGradInput ? c.convolution.output_channels : c.convolution.channels);
      for (std::size_t lane = 0; lane < channels; ++lane) {
        // Of the first example, a position that moves with the lane.
        const std::size_t positions = operand.size() / channels / 2;
        const std::size_t at = lane * 7 % positions * channels + lane;
        const Reach reach = ReachOf(problem, product, at, has_stride);
        const float finite = operand[at];
        ForEachCpuTarget([&] {
          operand[at] = finite;
          const std::vector<float> clean = ResultsOf(problem, product);
          operand[at] = kSpecials[lane % std::size(kSpecials)];
          ExpectReach(clean, ResultsOf(problem, product), reach);
        });
        operand[at] = finite;
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace espalier
