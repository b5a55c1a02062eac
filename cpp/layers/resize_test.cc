// SPDX-License-Identifier: Apache-2.0
#include "layers/resize.h"

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

// One axis: input and output sizes, and the input's step for one of the output.
struct Axis {
  std::int64_t input, output;
  double step;
};

class ResizeReference : public testing::LayerReference {
 public:
  ResizeReference(const Attributes& attributes, const Shape& input, const Shape& output)
      : is_bilinear_(std::get<std::string>(attributes.at("mode")) == "bilinear"),
        corners_(std::get<std::string>(attributes.at("corners"))),
        rows_(MakeAxis(attributes, input[1], output[1])),
        columns_(MakeAxis(attributes, input[2], output[2])) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles y(static_cast<std::size_t>(values.batch * values.output_shape.element_count()));
    ForTerms(values, [&](std::size_t output, std::size_t input, double weight) {
      y[output] += weight * values.inputs[0][input];
    });
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    ForTerms(values, [&](std::size_t output, std::size_t input, double weight) {
      result.inputs[0][input] += weight * grad[output];
    });
    return result;
  }

 private:
  Axis MakeAxis(const Attributes& attributes, std::int64_t input, std::int64_t output) const {
    const double in = static_cast<double>(input), out = static_cast<double>(output);
    if (corners_ == "align_corners") {
      return {input, output, output == 1 ? 0.0 : (in - 1.0) / (out - 1.0)};
    }
    const auto scale = attributes.find("scale");
    return {input, output,
            scale == attributes.end() ? in / out : 1.0 / std::get<double>(scale->second)};
  }

  // Calls visit(place, weight) for the one or two places that output `i` reads.
  template <typename Visit>
  void ForPlaces(const Axis& axis, std::int64_t i, Visit visit) const {
    const double center = corners_ == "half_pixel" ? 0.5 : 0.0;
    const double at = (static_cast<double>(i) + center) * axis.step;
    if (!is_bilinear_) {
      const double nearest = std::floor(at + (corners_ == "align_corners" ? 0.5 : 0.0));
      visit(std::min(static_cast<std::int64_t>(nearest), axis.input - 1), 1.0);
      return;
    }
    const double between = std::max(0.0, at - center);
    const auto low = std::min(static_cast<std::int64_t>(between), axis.input - 1);
    const double weight = std::min(1.0, between - static_cast<double>(low));
    visit(low, 1.0 - weight);
    visit(std::min(low + 1, axis.input - 1), weight);
  }

  template <typename Visit>  // visit(output index, input index, weight)
  void ForTerms(const LayerValues& values, Visit visit) const {
    const std::int64_t planes = values.batch * values.input_shapes[0][0];
    for (std::int64_t p = 0; p < planes; ++p) {
      for (std::int64_t y = 0; y < rows_.output; ++y) {
        for (std::int64_t x = 0; x < columns_.output; ++x) {
          ForPlaces(rows_, y, [&](std::int64_t row, double v) {
            ForPlaces(columns_, x, [&](std::int64_t column, double h) {
              visit(static_cast<std::size_t>((p * rows_.output + y) * columns_.output + x),
                    static_cast<std::size_t>((p * rows_.input + row) * columns_.input + column),
                    v * h);
            });
          });
        }
      }
    }
  }

  bool is_bilinear_;
  std::string corners_;
  Axis rows_, columns_;
};

struct Case {
  Shape input;
  Attributes attributes;
  std::int64_t batch;
  Shape output;
};

const std::int64_t k1 = 1, k7 = 7, k8 = 8;

TEST(Resize, MatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{1, 1, 1}, {{"size", k1}}, 1, {1, 1, 1}},
      {{1, 1, 1}, {{"size", Ints{5, 3}}}, 2, {1, 5, 3}},
      {{3, 4, 4}, {{"scale", 2.0}}, 2, {3, 8, 8}},
      {{17, 5, 7}, {{"size", k8}}, 1, {17, 8, 8}},
      {{4, 9, 33}, {{"size", Ints{4, 16}}}, 3, {4, 4, 16}},
      {{16, 6, 6}, {{"scale", 1.5}}, 2, {16, 9, 9}},
      {{2, 7, 5}, {{"scale", 0.4}}, 9, {2, 2, 2}},
      {{5, 1, 9}, {{"size", Ints{3, 1}}}, 2, {5, 3, 1}},
      {{33, 3, 3}, {{"size", k7}}, 5, {33, 7, 7}},
      {{1, 8, 31}, {{"size", Ints{8, 31}}}, 1, {1, 8, 31}},
      {{8, 14, 14}, {{"size", Ints{28, 13}}}, 2, {8, 28, 13}},
  };
  for (const Case& c : cases) {
    for (const char* mode : {"nearest", "bilinear"}) {
      for (const char* corners : {"half_pixel", "align_corners", "asymmetric"}) {
        SCOPED_TRACE(
            Concat(c.input.ToString(), " to ", c.output.ToString(), ", ", mode, ", ", corners));
        Attributes attributes = c.attributes;
        attributes["mode"] = mode;
        attributes["corners"] = corners;
        const Resize layer(attributes);
        const Shape inputs[] = {c.input};
        ASSERT_EQ(layer.OutputShape(inputs), c.output);
        const LayerReport report =
            CheckLayer(layer, ResizeReference(layer.attributes(), c.input, c.output),
                       testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9));
        EXPECT_TRUE(report.problems.empty()) << report.Summary();
        EXPECT_GT(report.checked, 0u);
      }
    }
  }
}

Doubles Row(const Attributes& attributes, std::int64_t size) {
  const Resize layer(attributes);
  LayerValues values =
      testing::MakeLayerValues(layer, {Shape::Image(1, 1, size)}, 1, Mode::kEvaluation, 1);
  for (std::size_t i = 0; i < values.inputs[0].size(); ++i) {
    values.inputs[0][i] = static_cast<double>(i);
  }
  const auto outputs = static_cast<std::size_t>(values.output_shape.element_count());
  return testing::ToDouble(RunLayer(layer, values, Doubles(outputs, 1.0), 1).output);
}

// torch.nn.functional.interpolate of [[[0, 1, …]]], PyTorch 2.
TEST(Resize, EqualsPyTorch) {
  const auto nearest = [](const char* corners, std::int64_t from, std::int64_t to) {
    return Row({{"size", Ints{1, to}}, {"corners", corners}}, from);
  };
  EXPECT_EQ(nearest("asymmetric", 5, 3), (Doubles{0, 1, 3}));
  EXPECT_EQ(nearest("half_pixel", 5, 3), (Doubles{0, 2, 4}));
  EXPECT_EQ(nearest("asymmetric", 3, 5), (Doubles{0, 0, 1, 1, 2}));
  const auto linear = [](const char* corners) {
    return Row({{"size", Ints{1, 5}}, {"mode", "bilinear"}, {"corners", corners}}, 3);
  };
  EXPECT_EQ(testing::FirstFar(linear("half_pixel"), Doubles{0, 0.4, 1, 1.6, 2}), -1);
  EXPECT_EQ(testing::FirstFar(linear("align_corners"), Doubles{0, 0.5, 1, 1.5, 2}), -1);
  // The scale that was given counts, not the ratio of the sizes: 3 · 1.5 is rounded down.
  EXPECT_EQ(testing::FirstFar(Row({{"scale", 1.5}, {"mode", "bilinear"}}, 3),
                              Doubles{0, 0.5, 7.0 / 6.0, 11.0 / 6.0}),
            -1);
}

TEST(Resize, DefaultsFollowTheMode) {
  EXPECT_EQ(Resize({{"scale", 2.0}}).attributes().at("corners"), AttributeValue("asymmetric"));
  EXPECT_EQ(Resize({{"scale", 2.0}, {"mode", "bilinear"}}).attributes().at("corners"),
            AttributeValue("half_pixel"));
}

TEST(Resize, WantsASizeOrAScaleThatLeavesSomething) {
  EXPECT_THROW(Resize({}), Error);
  EXPECT_THROW(Resize({{"size", k8}, {"scale", 2.0}}), Error);
  EXPECT_THROW(Resize({{"scale", 2.0}, {"mode", "cubic"}}), Error);
  EXPECT_THROW(Resize({{"scale", 2.0}, {"corners", "round"}}), Error);
  const Shape inputs[] = {Shape::Image(1, 4, 1)};
  EXPECT_THROW(Resize({{"scale", 0.5}}).OutputShape(inputs), Error);
}

TEST(Resize, WorkersShareTheWorkAndGiveTheSameBits) {
  const Resize layer({{"scale", 2.0}, {"mode", "bilinear"}});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {Shape::Image(17, 31, 35)}, 5,
                                                            Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
