// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/conv2d_bf16.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/matmul/matmul_bf16.h"
#include "testing/conv2d_problem.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::Conv2dCase;
using testing::Conv2dProblem;
using testing::ForEachCpuTarget;
using testing::GuardedArray;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameBits;

Conv2dCase Square(const char* name, std::int64_t channels, std::int64_t size,
                  std::int64_t output_channels, std::int64_t kernel, std::int64_t pad,
                  std::int64_t stride = 1) {
  return {.name = name,
          .batch = 3,
          .channels = channels,
          .height = size,
          .width = size,
          .output_channels = output_channels,
          .kernel_height = kernel,
          .kernel_width = kernel,
          .stride_height = stride,
          .stride_width = stride,
          .pad_top = pad,
          .pad_left = pad,
          .pad_bottom = pad,
          .pad_right = pad};
}

// Each has few positions and many weights.
std::vector<Conv2dCase> Cases() {
  std::vector<Conv2dCase> cases = {
      Square("1 x 1 at one position", 130, 1, 67, 1, 0),
      Square("1 x 1 at four", 96, 2, 96, 1, 0),
      Square("1 x 1 with stride", 96, 4, 100, 1, 0, 2),
      Square("3 x 3 of one position", 40, 1, 33, 3, 1),
      Square("3 x 3 of four", 31, 2, 37, 3, 1),
      Square("3 x 3 without padding", 50, 4, 20, 3, 0),
      Square("3 x 3 with stride", 33, 4, 65, 3, 1, 2),
      Square("5 x 5", 12, 2, 35, 5, 2),
      Square("depth in blocks", 700, 2, 129, 3, 1),
  };
  cases.push_back(Square("dilated", 40, 2, 40, 3, 2));
  cases.back().dilation_height = cases.back().dilation_width = 2;
  cases.push_back(Square("one row", 64, 1, 70, 3, 1));
  cases.back().width = 4;
  return cases;
}

struct Problem : Conv2dProblem {
  explicit Problem(const Conv2dCase& c) : Conv2dProblem(c) {
    for (float& weight : weights) {
      rounded.push_back(std::bit_cast<float>(std::uint32_t{ToBf16(weight)} << 16));
    }
  }

  Epilogue epilogue(Activation activation = Activation::kRelu) const {
    return {.column_bias = bias.data(), .activation = activation};
  }

  std::vector<float> ForwardBf16(const Epilogue& epilogue, int workers, GuardSide side) const {
    const ConvolutionGeometry& g = reference.geometry;
    Workspace workspace(workers, Conv2dScratchFloats(g));
    GuardedArray<std::uint32_t> packed(static_cast<std::size_t>(Conv2dPackedBf16Words(g)), side);
    Conv2dPackBf16(g, GuardedFloats(weights, side).data(), packed.data());
    GuardedFloats output(reference.OutputSize(), side);
    Conv2dForwardBf16(g, reference.batch, GuardedFloats(input, side).data(), packed.data(),
                      epilogue, false, output.data(), workspace);
    return output.ToVector();
  }

  std::vector<float> rounded;  // weights
};

TEST(Conv2dBf16, HasTheBitsOfWeightsRoundedBefore) {
  for (const Conv2dCase& c : Cases()) {
    SCOPED_TRACE(c.name);
    const Problem problem(c);
    ASSERT_EQ(Conv2dKeepsFloat(problem.reference.geometry), "");
    Conv2dProblem of_rounded(c);
    of_rounded.weights = problem.rounded;
    const std::vector<double> expected =
        problem.reference.Forward({problem.input.begin(), problem.input.end()},
                                  {problem.rounded.begin(), problem.rounded.end()},
                                  {problem.bias.begin(), problem.bias.end()});
    for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kSilu}) {
      const Epilogue epilogue = problem.epilogue(activation);
      ForEachCpuTarget([&] {
        const std::vector<float> floats = of_rounded.Forward(epilogue);
        for (const int workers : {1, 2, 3}) {
          for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
            const std::vector<float> outputs = problem.ForwardBf16(epilogue, workers, side);
            EXPECT_TRUE(SameBits(outputs, floats)) << "workers " << workers;
            if (activation != Activation::kNone) continue;
            for (std::size_t i = 0; i < outputs.size(); ++i) {
              ASSERT_NEAR(outputs[i], expected[i], 1e-4 * std::sqrt(double(c.channels)));
            }
          }
        }
      });
    }
  }
}

TEST(Conv2dBf16, AnExampleAloneHasTheBitsItHasInABatch) {
  for (Conv2dCase c : Cases()) {
    SCOPED_TRACE(c.name);
    const Problem problem(c);
    c.batch = 1;
    Problem one(c);
    one.weights = problem.weights;
    one.bias = problem.bias;
    const std::size_t inputs = one.input.size();
    ForEachCpuTarget([&] {
      const auto all = problem.ForwardBf16(problem.epilogue(), 2, GuardSide::kAfter);
      for (std::size_t i = 0; i < 3; ++i) {
        std::copy_n(problem.input.begin() + static_cast<std::ptrdiff_t>(i * inputs), inputs,
                    one.input.begin());
        const auto alone = one.ForwardBf16(one.epilogue(), 1, GuardSide::kAfter);
        EXPECT_TRUE(SameBits(alone, std::span(all).subspan(i * alone.size(), alone.size())));
      }
    });
  }
}

TEST(Conv2dBf16, PoolsAndAddsAsWithFloats) {
  const Conv2dCase c = Square("3 x 3 of four", 64, 2, 40, 3, 1);
  const Problem problem(c);
  Conv2dProblem of_rounded(c);
  of_rounded.weights = problem.rounded;
  const ConvolutionGeometry& g = problem.reference.geometry;
  ForEachCpuTarget([&] {
    std::vector<std::uint32_t> packed(static_cast<std::size_t>(Conv2dPackedBf16Words(g)));
    Conv2dPackBf16(g, problem.weights.data(), packed.data());
    Workspace workspace(2, Conv2dScratchFloats(g));
    std::vector<float> pooled(static_cast<std::size_t>(c.batch * c.output_channels));
    Conv2dForwardBf16(g, c.batch, problem.input.data(), packed.data(), problem.epilogue(), true,
                      pooled.data(), workspace);
    EXPECT_TRUE(SameBits(pooled, of_rounded.ForwardPooled(problem.epilogue(), pooled.size())));

    Epilogue adding = problem.epilogue();
    adding.residual = problem.grad_output.data();
    adding.residual_stride = c.output_channels;
    EXPECT_TRUE(
        SameBits(problem.ForwardBf16(adding, 1, GuardSide::kAfter), of_rounded.Forward(adding)));
  });
}

TEST(Conv2dBf16, SaysWhyWeightsStayInFloat) {
  const auto reason = [](Conv2dCase c, std::int64_t groups = 1) {
    c.groups = groups;
    return std::string(Conv2dKeepsFloat(c.Geometry()));
  };
  EXPECT_EQ(reason(Square("", 64, 2, 64, 3, 1)), "");
  EXPECT_EQ(reason(Square("", 64, 2, 64, 3, 1), 64), "depthwise");
  EXPECT_EQ(reason(Square("", 64, 2, 64, 3, 1), 2), "in groups");
  EXPECT_EQ(reason(Square("", 64, 14, 64, 3, 1)), "transformed for Winograd");
  EXPECT_EQ(reason(Square("", 64, 2, 64, 1, 0)), "few");
  EXPECT_EQ(reason(Square("", 512, 3, 512, 1, 0)), "each used at many positions");
  EXPECT_EQ(reason(Square("", 4096, 3, 2048, 1, 0)), "");
  EXPECT_EQ(reason(Square("", 4096, 4, 2048, 1, 0)), "each used at many positions");
}

}  // namespace
}  // namespace espalier
