// SPDX-License-Identifier: Apache-2.0
#include "layers/rms_norm.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

constexpr double kEpsilon = static_cast<double>(1e-6f);

class RmsNormReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    const std::size_t width = values.parameters[0].size();
    Doubles y(values.inputs[0].size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] = values.inputs[0][i] * Scale(values, i / width) * values.parameters[0][i % width];
    }
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    const std::size_t width = values.parameters[0].size();
    LayerGradients result;
    result.inputs.emplace_back(grad.size());
    result.parameters = {Doubles(width)};
    for (std::size_t row = 0; row < grad.size() / width; ++row) {
      const double scale = Scale(values, row);
      double product = 0.0;
      for (std::size_t j = 0; j < width; ++j) {
        const std::size_t i = row * width + j;
        result.parameters[0][j] += grad[i] * values.inputs[0][i] * scale;
        product += grad[i] * values.parameters[0][j] * values.inputs[0][i];
      }
      for (std::size_t j = 0; j < width; ++j) {
        const std::size_t i = row * width + j;
        result.inputs[0][i] =
            scale * (grad[i] * values.parameters[0][j] -
                     values.inputs[0][i] * scale * scale * product / static_cast<double>(width));
      }
    }
    return result;
  }

 private:
  static double Scale(const LayerValues& values, std::size_t row) {
    const std::size_t width = values.parameters[0].size();
    double mean = 0.0;
    for (std::size_t j = 0; j < width; ++j) {
      const double value = values.inputs[0][row * width + j];
      mean += value * value / static_cast<double>(width);
    }
    return 1.0 / std::sqrt(mean + kEpsilon);
  }
};

struct Case {
  Shape input;
  std::int64_t batch;
};

const Case kCases[] = {{{2}, 3},       {{7}, 1},       {{5, 4}, 2},    {{3, 16}, 3},  {{1, 17}, 17},
                       {{33, 5}, 2},   {{3, 5, 7}, 2}, {{9, 31}, 2},   {{2, 257}, 3}, {{65, 64}, 1},
                       {{2, 1000}, 2}, {{17, 31}, 3},  {{1, 1, 13}, 4}};

TEST(RmsNorm, MatchesReferenceAndItsGradient) {
  const RmsNorm layer({});
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), ", batch ", c.batch));
    const LayerReport report =
        CheckLayer(layer, RmsNormReference(),
                   testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

// Of one element the result is its sign, and next to no gradient is left.
TEST(RmsNorm, OneElementKeepsItsSign) {
  const RmsNorm layer({});
  LayerValues values = testing::MakeLayerValues(layer, {Shape{4, 1}}, 1, Mode::kTraining, 3);
  values.inputs[0] = {3.0, -2.0, 0.0, 1e-30};
  values.parameters[0][0] = 2.0;
  testing::ForEachCpuTarget([&] {
    const auto y = RunLayer(layer, values, Doubles(4, 1.0), 1).output;
    EXPECT_EQ(testing::FirstFar(y, Doubles{2.0, -2.0, 0.0, 0.0}), -1);
  });
}

TEST(RmsNorm, SpecialValuesStayInTheirRow) {
  const RmsNorm layer({});
  for (const double special :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    LayerValues values = testing::MakeLayerValues(layer, {Shape{3, 19}}, 1, Mode::kTraining, 3);
    testing::ForEachCpuTarget([&] {
      const auto clean = RunLayer(layer, values, Doubles(57, 1.0), 1).output;
      LayerValues dirty = values;
      dirty.inputs[0][20] = special;
      const auto y = RunLayer(layer, dirty, Doubles(57, 1.0), 1).output;
      EXPECT_TRUE(std::isnan(y[20]));
      for (std::size_t i = 0; i < 57; ++i) {
        if (i / 19 != 1) {
          EXPECT_EQ(y[i], clean[i]);
        }
      }
    });
  }
}

TEST(RmsNorm, WorkersShareTheWorkAndGiveTheSameBits) {
  const RmsNorm layer({});
  EXPECT_EQ(CheckSharedWork(
                layer, testing::MakeLayerValues(layer, {Shape{65, 128}}, 30, Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
