// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/depthwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"
#include "testing/all_activations.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

std::size_t At(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Case {
  std::int64_t batch, channels, multiplier, height, width;
  std::int64_t kernel_height, kernel_width, stride_height, stride_width;
  std::int64_t dilation_height, dilation_width, pad_top, pad_left, pad_bottom, pad_right;

  ConvolutionGeometry Geometry() const {
    const auto size = [](std::int64_t n, std::int64_t pad, std::int64_t kernel, std::int64_t stride,
                         std::int64_t dilation) {
      return (n + pad - dilation * (kernel - 1) - 1) / stride + 1;
    };
    return {.channels = channels,
            .height = height,
            .width = width,
            .output_channels = channels * multiplier,
            .output_height =
                size(height, pad_top + pad_bottom, kernel_height, stride_height, dilation_height),
            .output_width =
                size(width, pad_left + pad_right, kernel_width, stride_width, dilation_width),
            .kernel_height = kernel_height,
            .kernel_width = kernel_width,
            .stride_height = stride_height,
            .stride_width = stride_width,
            .dilation_height = dilation_height,
            .dilation_width = dilation_width,
            .pad_top = pad_top,
            .pad_left = pad_left,
            .groups = channels};
  }
};

const Case kCases[] = {{2, 16, 1, 9, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
                       {2, 7, 1, 9, 8, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1},
                       {1, 33, 1, 8, 9, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
                       {1, 17, 1, 3, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
                       {2, 4, 1, 11, 10, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2},
                       {1, 5, 1, 13, 12, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2},
                       {2, 3, 2, 7, 9, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
                       {1, 8, 3, 6, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
                       {1, 9, 1, 12, 14, 3, 3, 1, 1, 2, 3, 2, 3, 2, 3},
                       {1, 6, 1, 15, 14, 3, 3, 2, 4, 2, 2, 1, 2, 2, 1},
                       {2, 3, 1, 10, 9, 2, 4, 3, 2, 1, 1, 0, 2, 1, 1},
                       {1, 2, 1, 5, 6, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                       {1, 2, 1, 7, 6, 2, 2, 3, 4, 1, 1, 0, 0, 0, 0},
                       {1, 3, 2, 3, 2, 2, 2, 1, 1, 1, 1, 3, 4, 5, 3},
                       {1, 130, 1, 4, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
                       {3, 2, 1, 1, 19, 1, 7, 1, 1, 1, 1, 0, 3, 0, 3},
                       {1, 2, 1, 18, 19, 17, 17, 1, 1, 1, 1, 0, 0, 0, 0},
                       {1, 12, 1, 6, 7, 6, 7, 1, 1, 1, 1, 0, 0, 0, 0},
                       {1, 9, 1, 12, 14, 3, 3, 1, 2, 2, 1, 2, 1, 2, 1},
                       {1, 20, 1, 9, 6, 2, 3, 2, 2, 1, 1, 0, 1, 0, 1},
                       {2, 33, 1, 5, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
                       {1, 5, 1, 4, 5, 3, 3, 2, 2, 1, 1, 4, 4, 4, 4}};

// Calls visit(input, weight, output) for each product.
template <typename Visit>
void ForProducts(const ConvolutionGeometry& g, std::int64_t batch, Visit visit) {
  const std::int64_t multiplier = g.output_channels / g.channels;
  std::int64_t output = 0;
  for (std::int64_t e = 0; e < batch; ++e) {
    for (std::int64_t oy = 0; oy < g.output_height; ++oy) {
      for (std::int64_t ox = 0; ox < g.output_width; ++ox) {
        for (std::int64_t o = 0; o < g.output_channels; ++o, ++output) {
          for (std::int64_t k = 0; k < g.kernel_height * g.kernel_width; ++k) {
            const std::int64_t y =
                oy * g.stride_height + k / g.kernel_width * g.dilation_height - g.pad_top;
            const std::int64_t x =
                ox * g.stride_width + k % g.kernel_width * g.dilation_width - g.pad_left;
            if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
            visit(At(((e * g.height + y) * g.width + x) * g.channels + o / multiplier),
                  At(o * g.kernel_height * g.kernel_width + k), At(output));
          }
        }
      }
    }
  }
}

enum class Values { kNormal, kIntegers };

// A sum of products and what bounds its rounding error.
struct Sums {
  explicit Sums(std::size_t size) : values(size), magnitudes(size), terms(size) {}
  void Add(std::size_t i, double product) {
    values[i] += product;
    magnitudes[i] += std::abs(product);
    ++terms[i];
  }
  // Sums of integers are exact.
  void Expect(const std::vector<float>& got, Values kind, const char* what) const {
    ASSERT_EQ(got.size(), values.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double tolerance =
          kind == Values::kIntegers ? 0.0 : testing::SumTolerance(terms[i] + 1, magnitudes[i]);
      ASSERT_NEAR(static_cast<double>(got[i]), values[i], tolerance) << what << ' ' << i;
    }
  }
  std::vector<double> values, magnitudes;
  std::vector<std::size_t> terms;
};

void Check(const Case& c, GuardSide side, Values kind) {
  const ConvolutionGeometry g = c.Geometry();
  const std::int64_t area = g.kernel_height * g.kernel_width;
  GuardedFloats input(At(c.batch * g.height * g.width * g.channels), side);
  GuardedFloats weights(At(g.output_channels * area), side);
  GuardedFloats bias(At(g.output_channels), side);
  GuardedFloats grad(At(c.batch * g.output_height * g.output_width * g.output_channels), side);
  Random random({.seed = 5, .purpose = RandomPurpose::kTest});
  for (GuardedFloats* values : {&input, &weights, &bias, &grad}) {
    for (float& value : values->span()) {
      value = static_cast<float>(random.NextNormal());
      if (kind == Values::kIntegers) value = std::round(2.0f * value);
    }
  }
  GuardedFloats output(grad.size(), side), grad_input(input.size(), side);
  GuardedFloats grad_weights(weights.size(), side), grad_bias(bias.size(), side);
  GuardedFloats packed(At(DepthwisePackedFloats(g)), side);
  GuardedFloats buffer(At(DepthwiseBackwardWeightsFloats(g, c.batch)), side);
  Workspace workspace(1, DepthwiseScratchFloats(g));
  for (float& value : buffer.span()) value = NAN;
  DepthwisePackWeights(g, weights.data(), packed.data());
  DepthwiseForward(g, c.batch, input.data(), packed.data(), {.column_bias = bias.data()},
                   output.data(), workspace);
  DepthwiseBackwardInput(g, c.batch, grad.data(), packed.data(), grad_input.data(), workspace);
  DepthwiseBackwardWeights(g, c.batch, input.data(), grad.data(), grad_weights.data(),
                           grad_bias.data(), buffer.data(), workspace);

  Sums outputs(output.size()), grad_inputs(input.size()), weight_sums(weights.size()),
      bias_sums(bias.size());
  const auto value = [](GuardedFloats& floats, std::size_t i) {
    return static_cast<double>(floats.data()[i]);
  };
  for (std::size_t i = 0; i < output.size(); ++i) {
    outputs.Add(i, value(bias, i % bias.size()));
    bias_sums.Add(i % bias.size(), value(grad, i));
  }
  ForProducts(g, c.batch, [&](std::size_t in, std::size_t weight, std::size_t out) {
    outputs.Add(out, value(input, in) * value(weights, weight));
    grad_inputs.Add(in, value(grad, out) * value(weights, weight));
    weight_sums.Add(weight, value(grad, out) * value(input, in));
  });
  outputs.Expect(output.ToVector(), kind, "output");
  grad_inputs.Expect(grad_input.ToVector(), kind, "gradient of input");
  weight_sums.Expect(grad_weights.ToVector(), kind, "gradient of weight");
  bias_sums.Expect(grad_bias.ToVector(), kind, "gradient of bias");
}

TEST(Depthwise, MatchesTheDefinitionAndItsGradients) {
  testing::ForEachCpuTarget([] {
    for (std::size_t i = 0; i < std::size(kCases); ++i) {
      SCOPED_TRACE(i);
      for (const Values kind : {Values::kNormal, Values::kIntegers}) {
        for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
          Check(kCases[i], side, kind);
        }
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
  });
}

TEST(Depthwise, WorkersAndBatchChangeNoBit) {
  const Case c = {6, 40, 1, 30, 30, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  const ConvolutionGeometry g = c.Geometry();
  const std::size_t image = At(g.height * g.width * g.channels);
  std::vector<float> input(6 * image), weights(At(g.output_channels * 9));
  Random random({.seed = 6, .purpose = RandomPurpose::kTest});
  for (std::vector<float>* values : {&input, &weights}) {
    for (float& value : *values) value = static_cast<float>(random.NextNormal());
  }
  std::vector<float> packed(weights.size()), buffer(At(DepthwiseBackwardWeightsFloats(g, 6)));
  DepthwisePackWeights(g, weights.data(), packed.data());
  testing::ForEachCpuTarget([&] {
    const auto run = [&](int workers) {
      Workspace workspace(workers, DepthwiseScratchFloats(g));
      std::vector<float> output(6 * image), grad_weights(weights.size()), grad_bias(40);
      DepthwiseForward(g, 6, input.data(), packed.data(), {}, output.data(), workspace);
      DepthwiseBackwardWeights(g, 6, input.data(), output.data(), grad_weights.data(),
                               grad_bias.data(), buffer.data(), workspace);
      output.insert(output.end(), grad_weights.begin(), grad_weights.end());
      output.insert(output.end(), grad_bias.begin(), grad_bias.end());
      return output;
    };
    const std::vector<float> expected = run(1);
    for (const int workers : {2, 3, 5}) EXPECT_TRUE(testing::SameBits(run(workers), expected));
    Workspace workspace(1, DepthwiseScratchFloats(g));
    std::vector<float> alone(image);
    DepthwiseForward(g, 1, input.data() + 4 * image, packed.data(), {}, alone.data(), workspace);
    EXPECT_TRUE(testing::SameBits(
        alone, std::vector<float>(expected.begin() + static_cast<std::ptrdiff_t>(4 * image),
                                  expected.begin() + static_cast<std::ptrdiff_t>(5 * image))));
  });
}

TEST(Depthwise, RowsAloneHaveTheBitsOfTheWhole) {
  for (const Case& c : kCases) {
    const ConvolutionGeometry g = c.Geometry();
    const std::int64_t input_row = g.width * g.channels;
    const std::int64_t output_row = g.output_width * g.output_channels;
    std::vector<float> input(At(g.height * input_row)), packed(At(DepthwisePackedFloats(g)));
    Random random({.seed = 8, .purpose = RandomPurpose::kTest});
    for (std::vector<float>* values : {&input, &packed}) {
      for (float& value : *values) value = static_cast<float>(random.NextNormal());
    }
    testing::ForEachCpuTarget([&] {
      Workspace workspace(1, DepthwiseScratchFloats(g));
      std::vector<float> whole(At(g.output_height * output_row)),
          scratch(At(DepthwiseScratchFloats(g)));
      const Epilogue epilogue{.activation = Activation::kTanh};
      DepthwiseForward(g, 1, input.data(), packed.data(), epilogue, whole.data(), workspace);
      const std::int64_t kernel = (g.kernel_height - 1) * g.dilation_height + 1;
      for (std::int64_t first = 0; first < g.output_height; first += 2) {
        const std::int64_t last = std::min(g.output_height, first + 2);
        const std::int64_t top = first * g.stride_height - g.pad_top;
        const std::int64_t begin = std::clamp<std::int64_t>(top, 0, g.height);
        const std::int64_t end =
            std::clamp(top + (last - first - 1) * g.stride_height + kernel, begin, g.height);
        GuardedFloats rows(At((end - begin) * input_row)), output(At((last - first) * output_row));
        std::copy_n(input.begin() + begin * input_row, rows.size(), rows.data());
        DepthwiseForwardRows(g, rows.data(), begin, first, last, packed.data(), epilogue,
                             output.data(), scratch.data());
        EXPECT_TRUE(testing::SameBits(output.ToVector(),
                                      std::vector<float>(whole.begin() + first * output_row,
                                                         whole.begin() + last * output_row)));
      }
    });
  }
}

TEST(Depthwise, AppliesEveryActivation) {
  const Case c = {1, 19, 1, 7, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  const ConvolutionGeometry g = c.Geometry();
  std::vector<float> input(At(7 * 6 * 19)), packed(9 * 19);
  Random random({.seed = 7, .purpose = RandomPurpose::kTest});
  for (float& value : input) value = static_cast<float>(0.5 * random.NextNormal());
  for (float& value : packed) value = static_cast<float>(random.NextNormal());
  testing::ForEachCpuTarget([&] {
    Workspace workspace(1, 0);
    std::vector<float> plain(input.size()), got(input.size()), expected(input.size());
    DepthwiseForward(g, 1, input.data(), packed.data(), {}, plain.data(), workspace);
    for (const Activation kind : testing::kAllActivations) {
      DepthwiseForward(g, 1, input.data(), packed.data(), {.activation = kind, .slope = 0.3f},
                       got.data(), workspace);
      ActivationForward(kind, 0.3f, plain.data(), static_cast<std::int64_t>(plain.size()),
                        expected.data());
      EXPECT_EQ(got, expected) << static_cast<int>(kind);
    }
  });
}

}  // namespace
}  // namespace espalier
