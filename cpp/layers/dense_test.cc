// SPDX-License-Identifier: Apache-2.0
#include "layers/dense.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

class DenseReference : public testing::LayerReference {
 public:
  explicit DenseReference(std::size_t units) : units_(units) {}

  Doubles Forward(const LayerValues& values) const override {
    return Multiply(values, [](double number) { return number; });
  }

  Doubles Tolerance(const LayerValues& values) const override {
    Doubles result = Multiply(values, [](double number) { return std::abs(number); });
    const std::size_t terms = Width(values) + 1;
    for (double& value : result) value = testing::SumTolerance(terms, value);
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    const std::size_t width = Width(values);
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    result.parameters.emplace_back(units_ * width);
    if (values.parameters.size() > 1) result.parameters.emplace_back(units_);
    for (std::size_t n = 0; n < static_cast<std::size_t>(values.batch); ++n) {
      for (std::size_t u = 0; u < units_; ++u) {
        const double g = grad[n * units_ + u];
        for (std::size_t i = 0; i < width; ++i) {
          result.inputs[0][n * width + i] += g * values.parameters[0][u * width + i];
          result.parameters[0][u * width + i] += g * values.inputs[0][n * width + i];
        }
        if (values.parameters.size() > 1) result.parameters[1][u] += g;
      }
    }
    return result;
  }

 private:
  static std::size_t Width(const LayerValues& values) {
    return static_cast<std::size_t>(values.input_shapes[0].element_count());
  }

  template <typename Transform>
  Doubles Multiply(const LayerValues& values, Transform transform) const {
    const std::size_t width = Width(values);
    Doubles output(static_cast<std::size_t>(values.batch) * units_);
    for (std::size_t i = 0; i < output.size(); ++i) {
      const std::size_t n = i / units_;
      const std::size_t u = i % units_;
      if (values.parameters.size() > 1) output[i] = transform(values.parameters[1][u]);
      for (std::size_t k = 0; k < width; ++k) {
        output[i] +=
            transform(values.inputs[0][n * width + k] * values.parameters[0][u * width + k]);
      }
    }
    return output;
  }

  std::size_t units_;
};

struct Case {
  Shape input;
  std::int64_t units;
  std::int64_t batch;
};

const Case kCases[] = {{{1}, 1, 1},    {{3}, 1, 2},       {{1}, 17, 3},     {{17}, 3, 1},
                       {{15}, 16, 5},  {{16}, 17, 4},     {{17}, 15, 17},   {{33}, 31, 3},
                       {{103}, 14, 7}, {{2, 3, 5}, 4, 3}, {{64, 2}, 65, 9}, {{7}, 129, 31},
                       {{257}, 5, 33}};

TEST(Dense, MatchesReferenceAndItsGradient) {
  for (const bool has_bias : {true, false}) {
    for (const Case& c : kCases) {
      SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.units, ", batch ", c.batch));
      const Dense layer({{"units", c.units}, {"bias", has_bias}});
      const LayerReport report =
          CheckLayer(layer, DenseReference(static_cast<std::size_t>(c.units)),
                     testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3));
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(Dense, WholeNumbersAreExact) {
  const Dense layer({{"units", std::int64_t{5}}});
  LayerValues values = testing::MakeLayerValues(layer, {Shape{37}}, 6, Mode::kTraining, 4);
  for (Doubles* numbers : {&values.inputs[0], &values.parameters[0], &values.parameters[1]}) {
    for (double& value : *numbers) value = std::round(4 * value);
  }
  Doubles grad(30);
  for (std::size_t i = 0; i < grad.size(); ++i) grad[i] = static_cast<double>(i % 7) - 3.0;
  const DenseReference reference(5);
  const LayerGradients expected = reference.Backward(values, grad);
  testing::ForEachCpuTarget([&] {
    const testing::LayerRun run = RunLayer(layer, values, grad, 1);
    EXPECT_EQ(testing::ToDouble(run.output), reference.Forward(values));
    EXPECT_EQ(testing::ToDouble(run.grad_inputs[0]), expected.inputs[0]);
    EXPECT_EQ(testing::ToDouble(run.grad_parameters[0]), expected.parameters[0]);
    EXPECT_EQ(testing::ToDouble(run.grad_parameters[1]), expected.parameters[1]);
  });
}

TEST(Dense, WorkersShareTheWorkAndGiveTheSameBits) {
  const Dense layer({{"units", std::int64_t{300}}});
  EXPECT_EQ(CheckSharedWork(layer,
                            testing::MakeLayerValues(layer, {Shape{257}}, 130, Mode::kTraining, 5)),
            "");
}

TEST(Dense, WeightsAreOutByIn) {
  const Dense layer({{"units", std::int64_t{3}}});
  const Shape input[] = {Shape::Image(2, 4, 5)};
  const auto parameters = layer.Parameters(input);
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].name, "weight");
  EXPECT_EQ(parameters[0].shape, Shape({3, 40}));
  EXPECT_EQ(parameters[0].initializer.fan_in, 40);
  EXPECT_EQ(parameters[0].initializer.fan_out, 3);
  EXPECT_EQ(parameters[1].name, "bias");
  EXPECT_EQ(parameters[1].shape, Shape({3}));
  EXPECT_EQ(parameters[1].role, ParameterRole::kBias);
  EXPECT_EQ(layer.OutputShape(input), Shape({3}));
}

}  // namespace
}  // namespace espalier
