// SPDX-License-Identifier: Apache-2.0
#include "layers/conv1d.h"

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

struct Case {
  Shape input;
  Whole channels, kernel, stride, dilation, pad, groups;
  bool has_bias;
  Whole batch;
  Shape output;
};

class Conv1dReference : public testing::LayerReference {
 public:
  explicit Conv1dReference(const Case& c) : c_(c) {}

  Doubles Forward(const LayerValues& values) const override {
    return Convolve(values, [](double number) { return number; });
  }

  Doubles Tolerance(const LayerValues& values) const override {
    Doubles result = Convolve(values, [](double number) { return std::abs(number); });
    const Whole terms = c_.input[0] / c_.groups * c_.kernel + 1;
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
    for (std::size_t i = 0; i < grad.size() && c_.has_bias; ++i) {
      result.parameters[1][Channel(i)] += grad[i];
    }
    return result;
  }

 private:
  std::size_t Channel(std::size_t output) const {
    return output / static_cast<std::size_t>(c_.output[1]) % static_cast<std::size_t>(c_.output[0]);
  }

  template <typename Visit>
  void ForProducts(const LayerValues& values, Visit visit) const {
    const Whole group_in = c_.input[0] / c_.groups, group_out = c_.channels / c_.groups;
    for (Whole i = 0; i < values.batch * c_.output.element_count(); ++i) {
      const Whole place = i % c_.output[1], channel = i / c_.output[1] % c_.output[0];
      const Whole example = i / c_.output.element_count();
      for (Whole c = 0; c < group_in; ++c) {
        for (Whole tap = 0; tap < c_.kernel; ++tap) {
          const Whole from = place * c_.stride + tap * c_.dilation - c_.pad;
          if (from < 0 || from >= c_.input[1]) continue;
          const Whole input_channel = channel / group_out * group_in + c;
          visit(static_cast<std::size_t>(i),
                static_cast<std::size_t>((example * c_.input[0] + input_channel) * c_.input[1] +
                                         from),
                static_cast<std::size_t>((channel * group_in + c) * c_.kernel + tap));
        }
      }
    }
  }

  template <typename Transform>
  Doubles Convolve(const LayerValues& values, Transform transform) const {
    Doubles result(static_cast<std::size_t>(values.batch * c_.output.element_count()));
    for (std::size_t i = 0; i < result.size() && c_.has_bias; ++i) {
      result[i] = transform(values.parameters[1][Channel(i)]);
    }
    ForProducts(values, [&](std::size_t output, std::size_t input, std::size_t weight) {
      result[output] += transform(values.inputs[0][input] * values.parameters[0][weight]);
    });
    return result;
  }

  Case c_;
};

const Case kCases[] = {
    {{1, 1}, 1, 1, 1, 1, 0, 1, true, 1, {1, 1}},
    {{1, 17}, 3, 3, 1, 1, 1, 1, true, 2, {3, 17}},
    {{3, 33}, 16, 5, 1, 1, 2, 1, true, 3, {16, 33}},
    {{16, 31}, 17, 3, 2, 1, 1, 1, true, 2, {17, 16}},
    {{4, 20}, 8, 3, 1, 4, 4, 1, false, 2, {8, 20}},
    {{6, 15}, 6, 3, 1, 1, 0, 6, true, 5, {6, 13}},
    {{6, 15}, 4, 4, 3, 1, 2, 2, true, 2, {4, 6}},
    {{80, 9}, 5, 1, 1, 1, 0, 1, true, 9, {5, 9}},
    {{2, 64}, 3, 10, 5, 1, 0, 1, true, 2, {3, 11}},
    {{5, 3}, 7, 7, 1, 1, 3, 1, true, 17, {7, 3}},
};

TEST(Conv1d, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString()));
    const Conv1d layer({{"channels", c.channels},
                        {"kernel", c.kernel},
                        {"stride", c.stride},
                        {"dilation", c.dilation},
                        {"padding", c.pad},
                        {"groups", c.groups},
                        {"bias", c.has_bias}});
    const Shape inputs[] = {c.input};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    const LayerReport report =
        CheckLayer(layer, Conv1dReference(c),
                   testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 8));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(Conv1d, HasPyTorchsParameters) {
  const Conv1d layer({{"channels", Whole{8}}, {"kernel", Whole{3}}, {"groups", Whole{2}}});
  const Shape inputs[] = {Shape{4, 9}};
  const auto parameters = layer.Parameters(inputs);
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].shape, Shape({8, 2, 3}));
  EXPECT_EQ(parameters[0].initializer.fan_in, 6);
  EXPECT_EQ(parameters[1].shape, Shape({8}));
}

TEST(Conv1d, PaddingHasSeveralForms) {
  const auto padding = [](const AttributeValue& value) {
    return Conv1d({{"channels", Whole{1}}, {"kernel", Whole{3}}, {"padding", value}})
        .attributes()
        .at("padding");
  };
  EXPECT_EQ(padding("same"), AttributeValue("same"));
  EXPECT_EQ(padding("valid"), AttributeValue(Ints{0, 0}));
  EXPECT_EQ(padding(Whole{2}), AttributeValue(Ints{2, 2}));
  EXPECT_EQ(padding(Ints{3}), AttributeValue(Ints{3, 3}));
  EXPECT_EQ(padding(Ints{1, 2}), AttributeValue(Ints{1, 2}));
  EXPECT_THROW(padding(Ints{1, 2, 3}), Error);
  EXPECT_THROW(padding(Whole{-1}), Error);
  EXPECT_THROW(padding("full"), Error);
}

TEST(Conv1d, SaysWhatDoesNotFit) {
  const Conv1d layer({{"channels", Whole{1}}, {"kernel", Whole{3}}, {"padding", "valid"}});
  const Shape image[] = {Shape::Image(1, 4, 4)};
  EXPECT_THROW(layer.OutputShape(image), Error);
  const Shape two[] = {Shape{1, 2}};
  EXPECT_THROW(layer.OutputShape(two), Error);
}

TEST(Conv1d, WorkersShareTheWorkAndGiveTheSameBits) {
  const Conv1d layer({{"channels", Whole{17}}, {"kernel", Whole{3}}});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{8, 1031}}, 9, Mode::kTraining, 5)),
      "");
}

}  // namespace
}  // namespace espalier
