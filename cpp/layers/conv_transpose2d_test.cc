// SPDX-License-Identifier: Apache-2.0
#include "layers/conv_transpose2d.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

using Ints = std::vector<std::int64_t>;
using Whole = std::int64_t;

// Settings in the order of their definition.
struct Transposed {
  Shape input;
  Whole channels;
  Ints kernel, stride, dilation;
  Ints padding;  // top, bottom, left, right
  Ints output_padding;
  Whole groups;
};

// Each element of the input adds its multiples of the kernel to the output.
class TransposedReference : public testing::LayerReference {
 public:
  TransposedReference(const Transposed& settings, const Shape& output)
      : t_(settings), output_(output) {}

  Doubles Forward(const LayerValues& values) const override {
    return Run(values, [](double number) { return number; });
  }

  Doubles Tolerance(const LayerValues& values) const override {
    Doubles result = Run(values, [](double number) { return std::abs(number); });
    const Whole terms = t_.input[0] / t_.groups * t_.kernel[0] * t_.kernel[1] + 1;
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
    ForProducts(values, [&](std::size_t output, std::size_t input, std::size_t weight) {
      result.inputs[0][input] += grad[output] * values.parameters[0][weight];
      result.parameters[0][weight] += grad[output] * values.inputs[0][input];
    });
    if (values.parameters.size() < 2) return result;
    for (std::size_t i = 0; i < grad.size(); ++i) result.parameters[1][Channel(i)] += grad[i];
    return result;
  }

 private:
  std::size_t Channel(std::size_t output) const {
    const auto plane = static_cast<std::size_t>(output_[1] * output_[2]);
    return output / plane % static_cast<std::size_t>(output_[0]);
  }

  template <typename Visit>  // visit(output index, input index, weight index)
  void ForProducts(const LayerValues& values, Visit visit) const {
    const Whole group_in = t_.input[0] / t_.groups;
    const Whole group_out = t_.channels / t_.groups;
    for (Whole i = 0; i < static_cast<Whole>(values.inputs[0].size()); ++i) {
      const Whole x = i % t_.input[2], y = i / t_.input[2] % t_.input[1];
      const Whole channel = i / t_.input[2] / t_.input[1] % t_.input[0];
      const Whole example = i / t_.input.element_count();
      for (Whole o = 0; o < group_out; ++o) {
        for (Whole r = 0; r < t_.kernel[0]; ++r) {
          for (Whole c = 0; c < t_.kernel[1]; ++c) {
            const Whole row = y * t_.stride[0] + r * t_.dilation[0] - t_.padding[0];
            const Whole column = x * t_.stride[1] + c * t_.dilation[1] - t_.padding[2];
            if (row < 0 || row >= output_[1] || column < 0 || column >= output_[2]) continue;
            const Whole output_channel = channel / group_in * group_out + o;
            visit(static_cast<std::size_t>(
                      ((example * output_[0] + output_channel) * output_[1] + row) * output_[2] +
                      column),
                  static_cast<std::size_t>(i),
                  static_cast<std::size_t>(
                      ((channel * group_out + o) * t_.kernel[0] + r) * t_.kernel[1] + c));
          }
        }
      }
    }
  }

  template <typename Transform>
  Doubles Run(const LayerValues& values, Transform transform) const {
    Doubles result(static_cast<std::size_t>(values.batch * output_.element_count()));
    for (std::size_t i = 0; i < result.size() && values.parameters.size() > 1; ++i) {
      result[i] = transform(values.parameters[1][Channel(i)]);
    }
    ForProducts(values, [&](std::size_t output, std::size_t input, std::size_t weight) {
      result[output] += transform(values.inputs[0][input] * values.parameters[0][weight]);
    });
    return result;
  }

  Transposed t_;
  Shape output_;
};

struct Case {
  Transposed settings;
  bool has_bias;
  Whole batch;
  Shape output;
};

// Output sizes are those that PyTorch's ConvTranspose2d gives.
const Case kCases[] = {
    {{{1, 1, 1}, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 1}, true, 1, {1, 1, 1}},
    {{{3, 4, 5}, 2, {2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 1}, true, 2, {2, 8, 10}},
    {{{4, 5, 5}, 17, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, true, 2, {17, 10, 10}},
    {{{16, 7, 7}, 8, {4, 4}, {2, 2}, {1, 1}, {1, 1, 1, 1}, {0, 0}, 1}, false, 3, {8, 14, 14}},
    {{{16, 8, 8}, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, {0, 0}, 1}, true, 2, {16, 8, 8}},
    {{{5, 3, 4}, 3, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 1}, true, 4, {3, 3, 4}},
    {{{2, 3, 6}, 5, {1, 4}, {1, 3}, {1, 1}, {0, 0, 0, 0}, {0, 2}, 1}, true, 2, {5, 3, 21}},
    {{{3, 4, 4}, 2, {3, 2}, {2, 1}, {2, 3}, {1, 2, 0, 1}, {1, 0}, 1}, true, 2, {2, 9, 6}},
    {{{4, 5, 3}, 6, {3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 2}, true, 3, {6, 11, 7}},
    {{{6, 4, 4}, 6, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 6}, true, 2, {6, 8, 8}},
    {{{6, 4, 4}, 12, {2, 2}, {1, 1}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 6}, false, 2, {12, 5, 5}},
    {{{8, 1, 1}, 4, {5, 5}, {1, 1}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 1}, true, 9, {4, 5, 5}},
    {{{2, 3, 3}, 2, {2, 2}, {4, 4}, {1, 1}, {0, 0, 0, 0}, {3, 1}, 1}, true, 2, {2, 13, 11}},
};

Attributes AttributesOf(const Case& c) {
  const Transposed& t = c.settings;
  return {{"channels", t.channels}, {"kernel", t.kernel},   {"stride", t.stride},
          {"dilation", t.dilation}, {"padding", t.padding}, {"output_padding", t.output_padding},
          {"groups", t.groups},     {"bias", c.has_bias}};
}

TEST(ConvTranspose2d, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.settings.input.ToString(), " to ", c.output.ToString()));
    const ConvTranspose2d layer(AttributesOf(c));
    const Shape inputs[] = {c.settings.input};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    const LayerReport report = CheckLayer(
        layer, TransposedReference(c.settings, c.output),
        testing::MakeLayerValues(layer, {c.settings.input}, c.batch, Mode::kTraining, 8));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

// With weights that stay, packed once by Prepare.
TEST(ConvTranspose2d, FrozenWeightsGiveTheSame) {
  const Case& c = kCases[2];
  const ConvTranspose2d layer(AttributesOf(c));
  const LayerValues values =
      testing::MakeLayerValues(layer, {c.settings.input}, c.batch, Mode::kEvaluation, 8);
  const Doubles grad(static_cast<std::size_t>(c.batch * c.output.element_count()), 1.0);
  testing::ForEachCpuTarget([&] {
    const auto all = RunLayer(layer, values, grad, 2);
    const auto input_alone = RunLayer(layer, values, grad, 2, 0);
    EXPECT_TRUE(testing::SameBits(all.output, input_alone.output));
    EXPECT_TRUE(testing::SameBits(all.grad_inputs[0], input_alone.grad_inputs[0]));
  });
}

TEST(ConvTranspose2d, SameMultipliesTheSize) {
  for (const Whole kernel : {1, 2, 3, 5}) {
    for (const Whole stride : {1, 2, 3}) {
      const ConvTranspose2d layer({{"channels", Whole{2}},
                                   {"kernel", kernel},
                                   {"stride", stride},
                                   {"padding", std::string("same")}});
      const Shape input = Shape::Image(3, 4, 5);
      const Shape inputs[] = {input};
      const Shape output = layer.OutputShape(inputs);
      ASSERT_EQ(output, Shape::Image(2, 4 * stride, 5 * stride));
      const Whole pad = std::max<Whole>(0, kernel - stride) / 2;
      const TransposedReference reference(
          {input, 2, {kernel, kernel}, {stride, stride}, {1, 1}, {pad, 0, pad, 0}, {0, 0}, 1},
          output);
      const LayerReport report = CheckLayer(
          layer, reference, testing::MakeLayerValues(layer, {input}, 2, Mode::kTraining, 8));
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
    }
  }
}

// torch.nn.functional.conv_transpose2d with stride 2, PyTorch 2.6.
TEST(ConvTranspose2d, EqualsPyTorch) {
  const ConvTranspose2d layer({{"channels", Whole{3}}, {"kernel", Whole{2}}, {"stride", Whole{2}}});
  LayerValues values =
      testing::MakeLayerValues(layer, {Shape::Image(2, 2, 2)}, 1, Mode::kEvaluation, 1);
  values.inputs[0] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (std::size_t i = 0; i < 24; ++i) values.parameters[0][i] = static_cast<double>(i % 7) - 3.0;
  values.parameters[1] = {0.5, -0.5, 0.0};
  const Doubles expected = {7.5,  13.5,  6.5,   14.5,  -15.5, -9.5,  -19.5, -11.5, 5.5,   15.5,
                            4.5,  16.5,  -23.5, -13.5, -27.5, -15.5, -4.5,  1.5,   -4.5,  3.5,
                            7.5,  6.5,   11.5,  5.5,   -4.5,  5.5,   -4.5,  7.5,   15.5,  4.5,
                            19.5, 3.5,   13.0,  -16.0, 14.0,  -20.0, -10.0, -4.0,  -12.0, -4.0,
                            15.0, -24.0, 16.0,  -28.0, -14.0, -4.0,  -16.0, -4.0};
  testing::ForEachCpuTarget([&] {
    const auto run = RunLayer(layer, values, Doubles(48, 1.0), 1);
    EXPECT_EQ(testing::FirstFar(run.output, expected), -1);
  });
}

TEST(ConvTranspose2d, SaysWhatDoesNotFit) {
  const auto make = [](const Attributes& more) {
    Attributes attributes = {{"channels", Whole{4}}, {"kernel", Whole{2}}};
    attributes.insert(more.begin(), more.end());
    return ConvTranspose2d(attributes);
  };
  EXPECT_THROW(make({{"output_padding", Whole{1}}}), Error);
  EXPECT_NO_THROW(make({{"output_padding", Whole{1}}, {"stride", Whole{2}}}));
  EXPECT_THROW(make({{"groups", Whole{3}}}), Error);
  const Shape inputs[] = {Shape::Image(3, 1, 1)};
  EXPECT_THROW(make({{"groups", Whole{2}}}).OutputShape(inputs), Error);
  EXPECT_THROW(make({{"padding", Whole{1}}}).OutputShape(inputs), Error);
  const Shape vector[] = {Shape{9}};
  EXPECT_THROW(make({}).OutputShape(vector), Error);
}

TEST(ConvTranspose2d, WorkersShareTheWorkAndGiveTheSameBits) {
  const ConvTranspose2d layer(
      {{"channels", Whole{17}}, {"kernel", Whole{2}}, {"stride", Whole{2}}});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {Shape::Image(8, 16, 17)}, 9,
                                                            Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
