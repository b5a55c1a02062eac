// SPDX-License-Identifier: Apache-2.0
#include "layers/prelu.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

class PreluReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    Doubles y = values.inputs[0];
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (y[i] <= 0) y[i] *= values.parameters[0][WeightOf(values, i)];
    }
    return y;
  }
  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs = {grad};
    result.parameters = {Doubles(values.parameters[0].size())};
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const double x = values.inputs[0][i];
      if (x > 0) continue;
      const std::size_t weight = WeightOf(values, i);
      result.inputs[0][i] *= values.parameters[0][weight];
      result.parameters[0][weight] += grad[i] * x;
    }
    return result;
  }
  bool IsKink(const LayerValues& values, std::size_t, std::size_t element) const override {
    return std::abs(values.inputs[0][element]) < 1e-4;
  }

 private:
  static std::size_t WeightOf(const LayerValues& values, std::size_t i) {
    const Shape& shape = values.input_shapes[0];
    if (values.parameters[0].size() == 1) return 0;
    const auto at = static_cast<std::int64_t>(i) % shape.element_count();
    return static_cast<std::size_t>(at / (shape.element_count() / shape[0]));
  }
};

TEST(Prelu, MatchesReferenceAndItsGradient) {
  const struct {
    Shape input;
    std::int64_t batch;
  } cases[] = {{{1}, 1},         {{3}, 2},        {{17}, 3},      {{16}, 1},
               {{5, 33}, 2},     {{1, 1, 33}, 2}, {{3, 5, 7}, 2}, {{2, 1, 19}, 7},
               {{8, 17, 31}, 2}, {{65, 9, 8}, 5}, {{257}, 33}};
  for (const bool is_per_channel : {false, true}) {
    const Prelu layer({{"per_channel", is_per_channel}});
    for (const auto& c : cases) {
      SCOPED_TRACE(Concat(c.input.ToString(), is_per_channel ? " per channel" : ""));
      LayerValues values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3);
      values.inputs[0][0] = 0.0;
      const auto report = CheckLayer(layer, PreluReference(), values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.skipped, 0u);
      values.any_layout = Layout::kRowMajor;
      EXPECT_TRUE(CheckLayer(layer, PreluReference(), values).problems.empty());
    }
  }
}

TEST(Prelu, WorkersShareTheWorkAndGiveTheSameBits) {
  for (const bool is_per_channel : {false, true}) {
    const Prelu layer({{"per_channel", is_per_channel}});
    EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {Shape{17, 9, 33}}, 33,
                                                              Mode::kTraining, 5)),
              "");
  }
}

TEST(Prelu, BeginsWithAQuarterOneForAllOrOneAChannel) {
  const std::vector<Shape> image = {Shape::Image(7, 3, 2)};
  EXPECT_EQ(Prelu({}).Parameters(image)[0].shape, Shape{1});
  const ParameterSpec weight = Prelu({{"per_channel", true}}).Parameters(image)[0];
  EXPECT_EQ(weight.shape, Shape{7});
  EXPECT_EQ(weight.initializer.name, "constant");
  EXPECT_EQ(weight.initializer.value, 0.25);
}

}  // namespace
}  // namespace espalier
