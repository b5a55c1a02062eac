// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "espalier/metrics.h"
#include "testing/metric_data.h"

namespace espalier {
namespace {

using testing::Draws;
using testing::Find;
using testing::Letters;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The numbers are scikit-learn's (testdata/metrics.py): over all values, then each.
TEST(ValueMetrics, EqualScikitLearns) {
  const std::vector<double> a = Draws(90, 6);
  const std::vector<double> b = Draws(90, 7);
  std::vector<float> targets;
  std::vector<float> predictions;
  for (std::size_t i = 0; i < 90; ++i) {
    const double target = std::floor(a[i] * 256) / 32;
    targets.push_back(static_cast<float>(target));
    predictions.push_back(static_cast<float>(target + std::floor(b[i] * 64) / 32 - 1.0));
  }
  const std::vector<Metric> metrics = ValueMetrics(predictions, targets, Letters(3)).metrics;
  const std::vector<std::pair<std::string, std::vector<double>>> expected{
      {"mean_squared_error",
       {0.3180881076388889, 0.27727864583333334, 0.3947265625, 0.28225911458333336}},
      {"mean_absolute_error",
       {0.4822916666666666, 0.43333333333333335, 0.5625, 0.4510416666666667}},
      {"r2", {0.9445059677617816, 0.9604518829695167, 0.9247982744410259, 0.9428130492562267}}};
  for (const auto& [name, values] : expected) {
    EXPECT_NEAR(Find(metrics, name).value, values[0], 1e-12) << name;
    EXPECT_EQ(Find(metrics, name).support, 90) << name;
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(Find(metrics, name, Letters(3)[j]).value, values[j + 1], 1e-12) << name;
      EXPECT_EQ(Find(metrics, name, Letters(3)[j]).support, 30) << name;
    }
  }
}

TEST(ValueMetrics, UnlabelledEntriesDoNotCount) {
  const std::vector<float> targets{1.0f, kNaN, 3.0f, kNaN, kNaN, kNaN};
  for (const float garbage : {0.0f, kNaN, std::numeric_limits<float>::infinity()}) {
    const std::vector<float> predictions{1.5f, garbage, 3.0f, garbage, garbage, garbage};
    const std::vector<Metric> metrics = ValueMetrics(predictions, targets, Letters(2)).metrics;
    EXPECT_EQ(Find(metrics, "mean_squared_error").value, 0.125);
    EXPECT_EQ(Find(metrics, "mean_absolute_error", "a").value, 0.25);
    EXPECT_EQ(Find(metrics, "r2", "a").value, 1.0 - 0.25 / 2.0);
    EXPECT_EQ(Find(metrics, "r2").support, 2);
    EXPECT_TRUE(std::isnan(Find(metrics, "mean_squared_error", "b").value));
    EXPECT_EQ(Find(metrics, "mean_squared_error", "b").support, 0);
  }
}

TEST(ValueMetrics, R2OfEqualTargetsIsUndefined) {
  const std::vector<float> targets(3, 0.1f);
  const std::vector<float> predictions{0.1f, 0.2f, 0.3f};
  const std::vector<Metric> metrics = ValueMetrics(predictions, targets, Letters(1)).metrics;
  EXPECT_TRUE(std::isnan(Find(metrics, "r2").value));
  EXPECT_EQ(Find(metrics, "r2").support, 0);
  EXPECT_EQ(Find(metrics, "mean_squared_error").support, 3);
}

TEST(ValueMetrics, RefusesWhatItCannotMeasure) {
  const std::vector<float> two(2, 0.5f);
  const std::vector<float> three(3, 0.5f);
  const std::vector<float> bad{0.5f, kNaN};
  const std::vector<float> infinite{0.5f, std::numeric_limits<float>::infinity()};
  EXPECT_THROW(ValueMetrics(two, three, Letters(1)), Error);
  EXPECT_THROW(ValueMetrics(bad, two, Letters(1)), Error);
  EXPECT_THROW(ValueMetrics(two, infinite, Letters(1)), Error);
  EXPECT_THROW(ValueMetrics(two, two, Letters(0)), Error);
}

}  // namespace
}  // namespace espalier
