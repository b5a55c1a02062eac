// SPDX-License-Identifier: Apache-2.0
#include "layers/convolution.h"

#include <gtest/gtest.h>

#include "kernels/convolution/small_images.h"
#include "layers/conv2d.h"
#include "layers/depthwise_conv2d.h"
#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

using Ints = std::vector<std::int64_t>;

// Calls visit(output index, input index, weight index) for each product of one example.
template <typename Visit>
void ForProducts(const ConvolutionGeometry& g, Visit visit) {
  const std::int64_t group_in = g.channels / g.groups;
  const std::int64_t group_out = g.output_channels / g.groups;
  for (std::int64_t o = 0; o < g.output_channels; ++o) {
    for (std::int64_t y = 0; y < g.output_height; ++y) {
      for (std::int64_t x = 0; x < g.output_width; ++x) {
        for (std::int64_t c = 0; c < group_in; ++c) {
          for (std::int64_t i = 0; i < g.kernel_height; ++i) {
            for (std::int64_t j = 0; j < g.kernel_width; ++j) {
              const std::int64_t row = y * g.stride_height + i * g.dilation_height - g.pad_top;
              const std::int64_t column = x * g.stride_width + j * g.dilation_width - g.pad_left;
              if (row < 0 || row >= g.height || column < 0 || column >= g.width) continue;
              const std::int64_t channel = o / group_out * group_in + c;
              visit(static_cast<std::size_t>((o * g.output_height + y) * g.output_width + x),
                    static_cast<std::size_t>((channel * g.height + row) * g.width + column),
                    static_cast<std::size_t>(
                        ((o * group_in + c) * g.kernel_height + i) * g.kernel_width + j));
            }
          }
        }
      }
    }
  }
}

class ConvolutionReference : public testing::LayerReference {
 public:
  explicit ConvolutionReference(const ConvolutionGeometry& geometry) : g_(geometry) {}

  Doubles Forward(const LayerValues& values) const override {
    return Convolve(values, [](double number) { return number; });
  }

  Doubles Tolerance(const LayerValues& values) const override {
    Doubles result = Convolve(values, [](double number) { return std::abs(number); });
    const std::int64_t terms = g_.channels / g_.groups * g_.kernel_height * g_.kernel_width + 1;
    for (double& value : result) {
      value = testing::SumTolerance(static_cast<std::size_t>(terms), value);
    }
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    for (const Doubles& parameter : values.parameters) {
      result.parameters.emplace_back(parameter.size());
    }
    for (std::size_t n = 0; n < static_cast<std::size_t>(values.batch); ++n) {
      ForProducts(g_, [&](std::size_t output, std::size_t input, std::size_t weight) {
        const double g = grad[n * Outputs() + output];
        result.inputs[0][n * Inputs() + input] += g * values.parameters[0][weight];
        result.parameters[0][weight] += g * values.inputs[0][n * Inputs() + input];
      });
      if (result.parameters.size() < 2) continue;
      for (std::size_t i = 0; i < Outputs(); ++i) {
        result.parameters[1][i / Plane()] += grad[n * Outputs() + i];
      }
    }
    return result;
  }

 private:
  std::size_t Inputs() const {
    return static_cast<std::size_t>(g_.channels * g_.height * g_.width);
  }
  std::size_t Plane() const { return static_cast<std::size_t>(g_.output_height * g_.output_width); }
  std::size_t Outputs() const { return static_cast<std::size_t>(g_.output_channels) * Plane(); }

  template <typename Transform>
  Doubles Convolve(const LayerValues& values, Transform transform) const {
    Doubles result(static_cast<std::size_t>(values.batch) * Outputs());
    for (std::size_t n = 0; n < static_cast<std::size_t>(values.batch); ++n) {
      for (std::size_t i = 0; i < Outputs() && values.parameters.size() > 1; ++i) {
        result[n * Outputs() + i] = transform(values.parameters[1][i / Plane()]);
      }
      ForProducts(g_, [&](std::size_t output, std::size_t input, std::size_t weight) {
        result[n * Outputs() + output] +=
            transform(values.inputs[0][n * Inputs() + input] * values.parameters[0][weight]);
      });
    }
    return result;
  }

  ConvolutionGeometry g_;
};

struct Case {
  Shape input;
  Attributes attributes;
  std::int64_t batch;
  Shape output;
};

void Check(const char* kind, const Case& c) {
  SCOPED_TRACE(Concat(kind, " of ", c.input.ToString(), ", batch ", c.batch));
  const auto made = MakeLayer(kind, c.attributes);
  const auto& layer = dynamic_cast<const Convolution&>(*made);
  const Shape inputs[] = {c.input};
  ASSERT_EQ(layer.OutputShape(inputs), c.output);
  const LayerReport report =
      CheckLayer(layer, ConvolutionReference(layer.Geometry(inputs)),
                 testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 8));
  EXPECT_TRUE(report.problems.empty()) << report.Summary();
  EXPECT_GT(report.checked, 0u);
}

const std::int64_t k1 = 1, k2 = 2, k3 = 3, k4 = 4, k5 = 5, k8 = 8, k17 = 17;

TEST(Conv2d, MatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{1, 1, 1}, {{"channels", k1}, {"kernel", k1}}, 1, {1, 1, 1}},
      {{1, 5, 7}, {{"channels", k3}, {"kernel", k3}}, 2, {3, 5, 7}},
      {{3, 8, 8}, {{"channels", k17}, {"kernel", k3}}, 3, {17, 8, 8}},
      {{3, 9, 17}, {{"channels", k4}, {"kernel", k3}, {"stride", k2}}, 2, {4, 5, 9}},
      {{2, 7, 6}, {{"channels", k5}, {"kernel", k5}, {"padding", "valid"}}, 1, {5, 3, 2}},
      {{2, 11, 9}, {{"channels", k2}, {"kernel", Ints{3, 2}}, {"dilation", k2}}, 2, {2, 11, 9}},
      {{4, 6, 5}, {{"channels", k8}, {"kernel", k3}, {"groups", k2}}, 3, {8, 6, 5}},
      {{17, 4, 3}, {{"channels", k1}, {"kernel", k1}, {"bias", false}}, 4, {1, 4, 3}},
      {{3, 13, 5},
       {{"channels", k2},
        {"kernel", Ints{4, 3}},
        {"stride", Ints{3, 1}},
        {"padding", Ints{1, 2, 0, 3}}},
       2,
       {2, 5, 6}},
      {{1, 3, 33}, {{"channels", k2}, {"kernel", k2}, {"padding", Ints{1}}}, 1, {2, 4, 34}},
      {{6, 5, 5},
       {{"channels", std::int64_t{6}},
        {"kernel", k3},
        {"groups", k3},
        {"stride", k2},
        {"dilation", k2}},
       5,
       {6, 3, 3}},
      {{2, 1, 16}, {{"channels", k3}, {"kernel", Ints{1, 15}}}, 9, {3, 1, 16}},
  };
  for (const Case& c : cases) Check("conv2d", c);
}

// Whose products take the weights as they lie, in pieces of a batch.
TEST(Conv2d, OfSmallImagesMatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{192, 2, 2},
       {{"channels", std::int64_t{310}}, {"kernel", k3}, {"padding", Ints{1}}},
       2,
       {310, 2, 2}},
      {{200, 5, 4},
       {{"channels", std::int64_t{300}}, {"kernel", k3}, {"stride", k2}, {"bias", false}},
       1,
       {300, 3, 2}},
      {{1008, 1, 1},
       {{"channels", std::int64_t{530}}, {"kernel", k1}, {"stride", k2}},
       3,
       {530, 1, 1}},
      {{150, 7, 1},
       {{"channels", std::int64_t{900}},
        {"kernel", Ints{4, 1}},
        {"dilation", k2},
        {"padding", "valid"}},
       1,
       {900, 1, 1}},
  };
  for (const Case& c : cases) {
    const auto layer = MakeLayer("conv2d", c.attributes);
    const Shape inputs[] = {c.input};
    EXPECT_TRUE(HasSmallImages(dynamic_cast<const Convolution&>(*layer).Geometry(inputs)));
    Check("conv2d", c);
  }
}

TEST(DepthwiseConv2d, MatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{1, 3, 3}, {{"kernel", k3}}, 1, {1, 3, 3}},
      {{3, 5, 7}, {{"kernel", k3}}, 2, {3, 5, 7}},
      {{17, 8, 9}, {{"kernel", k3}, {"stride", k2}}, 3, {17, 4, 5}},
      {{2, 6, 6}, {{"kernel", k3}, {"multiplier", k2}}, 2, {4, 6, 6}},
      {{4, 16, 33}, {{"kernel", k5}}, 1, {4, 16, 33}},
      {{5, 9, 9}, {{"kernel", k3}, {"dilation", k2}, {"bias", false}}, 2, {5, 9, 9}},
      {{3, 7, 15}, {{"kernel", k3}, {"padding", "valid"}}, 4, {3, 5, 13}},
      {{2, 1, 31}, {{"kernel", Ints{1, 4}}, {"stride", Ints{1, 3}}}, 3, {2, 1, 11}},
      {{8, 4, 4}, {{"kernel", k2}, {"padding", Ints{1, 0, 0, 1}}}, 5, {8, 4, 4}},
      {{3, 2, 2}, {{"kernel", k1}}, 7, {3, 2, 2}},
  };
  for (const Case& c : cases) Check("depthwise_conv2d", c);
}

TEST(Convolution, WorkersShareTheWorkAndGiveTheSameBits) {
  const Conv2d conv({{"channels", k17}, {"kernel", k3}});
  EXPECT_EQ(CheckSharedWork(conv, testing::MakeLayerValues(conv, {Shape::Image(8, 32, 33)}, 9,
                                                           Mode::kTraining, 5)),
            "");
  const DepthwiseConv2d depthwise({{"kernel", k3}});
  EXPECT_EQ(
      CheckSharedWork(depthwise, testing::MakeLayerValues(depthwise, {Shape::Image(17, 32, 33)}, 9,
                                                          Mode::kTraining, 5)),
      "");
}

// TensorFlow's and ONNX's SAME_UPPER.
TEST(Convolution, SamePaddingPutsTheOddRowAtTheEnd) {
  const Conv2d layer({{"channels", k1}, {"kernel", k4}, {"stride", k1}});
  const Shape inputs[] = {Shape::Image(1, 6, 6)};
  EXPECT_EQ(layer.Geometry(inputs).pad_top, 1);
  EXPECT_EQ(layer.Geometry(inputs).pad_left, 1);
  EXPECT_EQ(layer.OutputShape(inputs), Shape({1, 6, 6}));
}

TEST(Convolution, FansCountTheTaps) {
  const Conv2d layer({{"channels", k8}, {"kernel", k3}, {"groups", k2}});
  const Shape inputs[] = {Shape::Image(4, 6, 6)};
  const auto parameters = layer.Parameters(inputs);
  EXPECT_EQ(parameters[0].shape, Shape({8, 2, 3, 3}));
  EXPECT_EQ(parameters[0].initializer.fan_in, 18);
  EXPECT_EQ(parameters[0].initializer.fan_out, 72);
}

void ExpectShapeMismatch(const char* kind, const Attributes& attributes, const Shape& input,
                         const char* words) {
  const Shape inputs[] = {input};
  try {
    MakeLayer(kind, attributes)->OutputShape(inputs);
    FAIL() << "expected an error with " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(Convolution, SaysWhatDoesNotFit) {
  ExpectShapeMismatch("conv2d", {{"channels", k1}, {"kernel", k3}}, {784},
                      "expected an input [channels, height, width], got [784]");
  ExpectShapeMismatch("conv2d", {{"channels", k1}, {"kernel", k8}, {"padding", "valid"}}, {1, 5, 9},
                      "expected a padded height of at least 8, got 5");
  ExpectShapeMismatch("conv2d", {{"channels", k4}, {"kernel", k1}, {"groups", k4}}, {6, 5, 9},
                      "a multiple of 4 groups, got 6");
  const std::int64_t far = 1024;
  ExpectShapeMismatch(
      "conv2d",
      {{"channels", k1}, {"kernel", far}, {"dilation", far}, {"padding", std::int64_t{4096}}},
      {1, 5, 5}, "expected a padded height of at least 1047553, got 8197");
}

}  // namespace
}  // namespace espalier
