// SPDX-License-Identifier: Apache-2.0
#include "metrics/label_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "testing/metric_data.h"

namespace espalier {
namespace {

using testing::Draws;
using testing::Find;
using testing::Letters;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Answers {
  std::vector<float> scores;
  std::vector<float> targets;
};

Answers KnownAnswers(bool is_masked) {
  Answers answers;
  const std::vector<double> scores = Draws(200, 1);
  const std::vector<double> noise = Draws(200, 2);
  const std::vector<double> known = Draws(200, 3);
  for (std::size_t i = 0; i < 200; ++i) {
    const double score = std::floor(scores[i] * 16) / 16;
    answers.scores.push_back(static_cast<float>(score));
    answers.targets.push_back(0.7 * noise[i] + score > 0.85 ? 1.0f : 0.0f);
    if (is_masked && known[i] < 0.4) answers.targets.back() = kNaN;
  }
  return answers;
}

void ExpectMetric(const std::vector<Metric>& metrics, const std::string& name, double value,
                  std::int64_t support, const std::string& label = "") {
  const Metric metric = Find(metrics, name, label);
  EXPECT_NEAR(metric.value, value, 1e-12) << name << " " << label;
  EXPECT_EQ(metric.support, support) << name << " " << label;
}

void ExpectUndefined(const std::vector<Metric>& metrics, const std::string& name,
                     const std::string& label = "") {
  const Metric metric = Find(metrics, name, label);
  EXPECT_EQ(metric.name, name);
  EXPECT_TRUE(std::isnan(metric.value)) << name << " " << label << " " << metric.value;
  EXPECT_EQ(metric.support, 0) << name << " " << label;
}

void ExpectByLabel(const std::vector<Metric>& metrics, const std::string& name,
                   const std::vector<double>& values, const std::vector<std::int64_t>& supports) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    ExpectMetric(metrics, name, values[i], supports[i], Letters(values.size())[i]);
  }
}

// The numbers of these two tests are scikit-learn's (testdata/metrics.py).

TEST(LabelMetrics, EqualScikitLearns) {
  const Answers answers = KnownAnswers(false);
  const std::vector<Metric> metrics = LabelMetrics(answers.scores, answers.targets, Letters(5));
  ExpectMetric(metrics, "hamming_loss", 0.2, 200);
  ExpectMetric(metrics, "subset_accuracy", 0.35, 40);
  ExpectMetric(metrics, "micro_f1", 0.7959183673469388, 200);
  ExpectMetric(metrics, "macro_f1", 0.795373367288261, 5);
  ExpectMetric(metrics, "macro_auc", 0.9094398434898434, 5);
  ExpectMetric(metrics, "mean_average_precision", 0.9052609782552148, 5);
  ExpectMetric(metrics, "ranking_loss", 0.10833333333333332, 40);
  ExpectMetric(metrics, "coverage", 2.875, 40);
  ExpectMetric(metrics, "lrap", 0.9305555555555556, 40);
  const std::vector<std::int64_t> supports(5, 40);
  ExpectByLabel(metrics, "auc",
                {0.9583333333333334, 0.8598484848484849, 0.9747023809523809, 0.9026666666666665,
                 0.8516483516483516},
                supports);
  ExpectByLabel(metrics, "average_precision",
                {0.9326219124013241, 0.8308223841824689, 0.9365079365079365, 0.9353911259019618,
                 0.8909615322823824},
                supports);
  ExpectByLabel(
      metrics, "f1",
      {0.8571428571428571, 0.7027027027027027, 0.8, 0.851063829787234, 0.7659574468085106},
      supports);
  ExpectByLabel(metrics, "accuracy", {0.875, 0.725, 0.85, 0.825, 0.725}, supports);
}

TEST(LabelMetrics, EqualScikitLearnsWithoutTheHiddenEntries) {
  const Answers answers = KnownAnswers(true);
  const std::vector<Metric> metrics = LabelMetrics(answers.scores, answers.targets, Letters(5));
  ExpectMetric(metrics, "hamming_loss", 0.168, 125);
  ExpectMetric(metrics, "micro_f1", 0.8292682926829268, 125);
  ExpectMetric(metrics, "subset_accuracy", 0.6153846153846154, 39);
  ExpectMetric(metrics, "ranking_loss", 0.13888888888888887, 39);
  ExpectMetric(metrics, "coverage", 1.7692307692307692, 39);
  ExpectMetric(metrics, "lrap", 0.9346153846153847, 39);
  const std::vector<std::int64_t> supports{26, 26, 28, 25, 20};
  ExpectByLabel(metrics, "auc",
                {0.9545454545454545, 0.8988095238095238, 0.9833333333333333, 0.9166666666666667,
                 0.8489583333333333},
                supports);
  ExpectByLabel(metrics, "average_precision",
                {0.9266135379771744, 0.8799152236652237, 0.956923076923077, 0.9532440476190476,
                 0.8726944351944352},
                supports);
  ExpectByLabel(
      metrics, "f1",
      {0.8695652173913043, 0.75, 0.8695652173913043, 0.8666666666666667, 0.782608695652174},
      supports);
}

TEST(LabelMetrics, PredictionsOfHiddenEntriesDoNotCount) {
  Answers answers = KnownAnswers(true);
  const std::vector<Metric> before = LabelMetrics(answers.scores, answers.targets, Letters(5));
  for (const float garbage : {0.0f, 1.0f, kNaN, std::numeric_limits<float>::infinity()}) {
    for (std::size_t i = 0; i < answers.scores.size(); ++i) {
      if (std::isnan(answers.targets[i])) answers.scores[i] = garbage;
    }
    const std::vector<Metric> after = LabelMetrics(answers.scores, answers.targets, Letters(5));
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
      EXPECT_EQ(after[i].value, before[i].value) << after[i].name;
      EXPECT_EQ(after[i].support, before[i].support) << after[i].name;
    }
  }
}

TEST(LabelMetrics, DoNotDependOnTheOrderOfExamples) {
  const Answers answers = KnownAnswers(true);
  Answers reversed;
  for (std::size_t example = 40; example-- > 0;) {
    const auto at = static_cast<std::ptrdiff_t>(example * 5);
    reversed.scores.insert(reversed.scores.end(), answers.scores.begin() + at,
                           answers.scores.begin() + at + 5);
    reversed.targets.insert(reversed.targets.end(), answers.targets.begin() + at,
                            answers.targets.begin() + at + 5);
  }
  const std::vector<Metric> a = LabelMetrics(answers.scores, answers.targets, Letters(5));
  const std::vector<Metric> b = LabelMetrics(reversed.scores, reversed.targets, Letters(5));
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i].value, b[i].value, 1e-12);
}

TEST(LabelMetrics, UndefinedIsNotZero) {
  // a: all hidden. b: only positive. c: only negative, nothing predicted.
  const std::vector<float> scores{0.1f, 0.9f, 0.2f, 0.8f, 0.4f, 0.3f};
  const std::vector<float> targets{kNaN, 1.0f, 0.0f, kNaN, 1.0f, 0.0f};
  const std::vector<Metric> metrics = LabelMetrics(scores, targets, Letters(3));
  for (const char* name : {"auc", "average_precision", "f1", "accuracy"}) {
    ExpectUndefined(metrics, name, "a");
  }
  ExpectUndefined(metrics, "auc", "b");
  ExpectMetric(metrics, "average_precision", 1.0, 2, "b");
  ExpectMetric(metrics, "f1", 2.0 / 3.0, 2, "b");
  ExpectUndefined(metrics, "auc", "c");
  ExpectUndefined(metrics, "average_precision", "c");
  ExpectUndefined(metrics, "f1", "c");
  ExpectMetric(metrics, "accuracy", 1.0, 2, "c");
  ExpectUndefined(metrics, "macro_auc");
  ExpectMetric(metrics, "macro_f1", 2.0 / 3.0, 1);
  ExpectMetric(metrics, "mean_average_precision", 1.0, 1);
  ExpectMetric(metrics, "hamming_loss", 0.25, 4);
  ExpectMetric(metrics, "subset_accuracy", 0.5, 2);
}

TEST(LabelMetrics, OfNothingAreAllUndefined) {
  const std::vector<float> hidden(6, kNaN);
  const std::vector<float> none;
  for (const std::vector<float>& entries : {hidden, none}) {
    const std::vector<Metric> metrics = LabelMetrics(entries, entries, Letters(3));
    EXPECT_EQ(metrics.size(), 10u + 3 * 4);
    for (const Metric& metric : metrics) ExpectUndefined(metrics, metric.name, metric.label);
  }
}

TEST(LabelMetrics, OneErrorSharesTies) {
  const std::vector<Metric> metrics = LabelMetrics(
      std::vector<float>{0.9f, 0.9f, 0.1f, 0.2f, 0.7f, 0.1f, 0.9f, 0.8f, 0.7f},
      std::vector<float>{1.0f, 0.0f, 0.0f, 1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f}, Letters(3));
  // Half of the tied top, then a wrong top; the example without a positive label is left out.
  ExpectMetric(metrics, "one_error", 0.75, 2);
}

TEST(LabelMetrics, ThresholdDecidesWhatIsPredicted) {
  const std::vector<float> scores{0.5f, 0.49f};
  const std::vector<float> targets{1.0f, 1.0f};
  ExpectMetric(LabelMetrics(scores, targets, Letters(1)), "hamming_loss", 0.5, 2);
  ExpectMetric(LabelMetrics(scores, targets, Letters(1), 0.4), "hamming_loss", 0.0, 2);
  ExpectMetric(LabelMetrics(scores, targets, Letters(1), 0.6), "hamming_loss", 1.0, 2);
}

TEST(LabelMetrics, RefusesWhatItCannotMeasure) {
  const std::vector<float> two(2, 0.5f);
  const std::vector<float> three(3, 0.5f);
  const std::vector<float> bad{0.5f, kNaN};
  const std::vector<float> outside{0.5f, 2.0f};
  EXPECT_THROW(LabelMetrics(two, three, Letters(1)), Error);
  EXPECT_THROW(LabelMetrics(three, three, Letters(2)), Error);
  EXPECT_THROW(LabelMetrics(two, two, Letters(0)), Error);
  EXPECT_THROW(LabelMetrics(bad, two, Letters(1)), Error);
  EXPECT_THROW(LabelMetrics(two, outside, Letters(1)), Error);
  EXPECT_THROW(LabelMetrics(two, two, Letters(1), std::nan("")), Error);
}

}  // namespace
}  // namespace espalier
