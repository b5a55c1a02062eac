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

std::vector<Metric> MetricsOf(const std::vector<float>& scores, const std::vector<float>& targets,
                              std::size_t labels, std::vector<double> thresholds = {}) {
  return LabelMetrics({.probabilities = scores}, targets, Letters(labels), thresholds).metrics;
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
  const std::vector<Metric> metrics = MetricsOf(answers.scores, answers.targets, 5);
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
  ExpectByLabel(metrics, "precision",
                {0.7894736842105263, 0.6842105263157895, 0.6666666666666666, 0.9090909090909091,
                 0.8571428571428571},
                {19, 19, 18, 22, 21});
  ExpectByLabel(metrics, "recall", {0.9375, 0.7222222222222222, 1.0, 0.8, 0.6923076923076923},
                {16, 18, 12, 25, 26});
  ExpectMetric(metrics, "expected_calibration_error", 0.1015625, 200);
  ExpectByLabel(metrics, "expected_calibration_error",
                {0.2203125, 0.146875, 0.175, 0.1109375, 0.2234375}, supports);
}

// Of logits from -60 to 60 many have a probability that others have, too, in float.
TEST(LabelMetrics, RankByLogitsWhereProbabilitiesSaturate) {
  std::vector<float> logits;
  std::vector<float> probabilities;
  std::vector<float> targets;
  const std::vector<double> scores = Draws(200, 8);
  const std::vector<double> noise = Draws(200, 9);
  for (std::size_t i = 0; i < 200; ++i) {
    logits.push_back(static_cast<float>(120 * (scores[i] - 0.5)));
    probabilities.push_back(
        static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logits[i])))));
    targets.push_back(60 * (noise[i] - 0.5) + static_cast<double>(logits[i]) > 0 ? 1.0f : 0.0f);
  }
  const std::vector<Metric> metrics =
      LabelMetrics({.probabilities = probabilities, .logits = logits}, targets, Letters(5)).metrics;
  ExpectMetric(metrics, "macro_auc", 0.9532536844767832, 5);
  const std::vector<std::int64_t> supports(5, 40);
  ExpectByLabel(metrics, "auc",
                {0.948849104859335, 0.9697802197802198, 0.9624060150375939, 0.9253333333333333,
                 0.9598997493734336},
                supports);
  ExpectByLabel(metrics, "average_precision",
                {0.9425770308123249, 0.952891156462585, 0.9683235867446394, 0.960101565101565,
                 0.9605612763793542},
                supports);
  ExpectMetric(metrics, "ranking_loss", 0.035416666666666666, 40);
  ExpectMetric(metrics, "coverage", 2.525, 40);
  ExpectMetric(metrics, "lrap", 0.9479166666666666, 40);
  ExpectMetric(metrics, "hamming_loss", 0.125, 200);
  EXPECT_LT(Find(MetricsOf(probabilities, targets, 5), "macro_auc").value, 0.946) << "many ties";
}

TEST(LabelMetrics, ALabelHasItsOwnThreshold) {
  // What is compared is the probability: the logits are of another model.
  const std::vector<float> probabilities{0.3f, 0.3f, 0.7f, 0.7f};
  const std::vector<float> logits{9.0f, 9.0f, 9.0f, 9.0f};
  const std::vector<float> targets{1.0f, 0.0f, 1.0f, 0.0f};
  const TaskMetrics metrics = LabelMetrics({.probabilities = probabilities, .logits = logits},
                                           targets, Letters(2), std::vector{0.25, 0.75});
  ExpectMetric(metrics.metrics, "hamming_loss", 0.0, 4);
  // Exactly the threshold is yes; the threshold is a double, as whoever tunes it has it.
  const double exactly = static_cast<double>(0.3f);
  ExpectMetric(MetricsOf({0.3f}, {1.0f}, 1, {exactly}), "hamming_loss", 0.0, 1);
  ExpectMetric(MetricsOf({0.3f}, {1.0f}, 1, {std::nextafter(exactly, 1.0)}), "hamming_loss", 1.0,
               1);
}

TEST(LabelMetrics, CountAnswersAndBlanks) {
  const std::vector<float> scores{0.9f, 0.1f, 0.8f, 0.9f, 0.2f, 0.1f, 0.3f, 0.6f};
  const std::vector<float> targets{1.0f, kNaN, 0.0f, 1.0f, 1.0f, kNaN, 0.0f, kNaN};
  const TaskMetrics metrics = LabelMetrics({.probabilities = scores}, targets, Letters(2));
  EXPECT_EQ(metrics.counts, (std::vector<AnswerCounts>{{1, 1, 1, 1, 0}, {1, 0, 0, 0, 3}}));
  ExpectMetric(metrics.metrics, "precision", 0.5, 2, "a");
  ExpectMetric(metrics.metrics, "recall", 0.5, 2, "a");
  EXPECT_TRUE(metrics.confusion.empty());
}

// By hand: 0.125 and 0.07 share the bin (1/15, 2/15], 1 of them true; 1 lies in the last, 0 in the
// first.
TEST(LabelMetrics, CalibrationErrorByHand) {
  ExpectMetric(MetricsOf({0.125f, 0.0703125f, 1.0f, 0.0f}, {1.0f, 0.0f, 1.0f, 0.0f}, 1),
               "expected_calibration_error", (1 - 0.125 - 0.0703125) / 4, 4);
  ExpectMetric(MetricsOf({1.0f, 0.0f}, {0.0f, 1.0f}, 1), "expected_calibration_error", 1.0, 2);
}

TEST(LabelMetrics, EqualScikitLearnsWithoutTheHiddenEntries) {
  const Answers answers = KnownAnswers(true);
  const std::vector<Metric> metrics = MetricsOf(answers.scores, answers.targets, 5);
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
  const std::vector<Metric> before = MetricsOf(answers.scores, answers.targets, 5);
  for (const float garbage : {0.0f, 1.0f, kNaN, std::numeric_limits<float>::infinity()}) {
    for (std::size_t i = 0; i < answers.scores.size(); ++i) {
      if (std::isnan(answers.targets[i])) answers.scores[i] = garbage;
    }
    const std::vector<Metric> after = MetricsOf(answers.scores, answers.targets, 5);
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
  const std::vector<Metric> a = MetricsOf(answers.scores, answers.targets, 5);
  const std::vector<Metric> b = MetricsOf(reversed.scores, reversed.targets, 5);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i].value, b[i].value, 1e-12);
}

TEST(LabelMetrics, UndefinedIsNotZero) {
  // a: all hidden. b: only positive. c: only negative, nothing predicted.
  const std::vector<float> scores{0.1f, 0.9f, 0.2f, 0.8f, 0.4f, 0.3f};
  const std::vector<float> targets{kNaN, 1.0f, 0.0f, kNaN, 1.0f, 0.0f};
  const std::vector<Metric> metrics = MetricsOf(scores, targets, 3);
  for (const char* name : {"auc", "average_precision", "precision", "recall", "f1", "accuracy",
                           "expected_calibration_error"}) {
    ExpectUndefined(metrics, name, "a");
  }
  ExpectUndefined(metrics, "auc", "b");
  ExpectMetric(metrics, "average_precision", 1.0, 2, "b");
  ExpectMetric(metrics, "f1", 2.0 / 3.0, 2, "b");
  ExpectUndefined(metrics, "auc", "c");
  ExpectUndefined(metrics, "average_precision", "c");
  ExpectUndefined(metrics, "f1", "c");
  ExpectUndefined(metrics, "precision", "c");
  ExpectUndefined(metrics, "recall", "c");
  ExpectMetric(metrics, "recall", 0.5, 2, "b");
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
    const std::vector<Metric> metrics = MetricsOf(entries, entries, 3);
    EXPECT_EQ(metrics.size(), 11u + 3 * 7);
    for (const Metric& metric : metrics) ExpectUndefined(metrics, metric.name, metric.label);
  }
}

TEST(LabelMetrics, OneErrorSharesTies) {
  const std::vector<Metric> metrics =
      MetricsOf(std::vector<float>{0.9f, 0.9f, 0.1f, 0.2f, 0.7f, 0.1f, 0.9f, 0.8f, 0.7f},
                std::vector<float>{1.0f, 0.0f, 0.0f, 1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f}, 3);
  // Half of the tied top, then a wrong top; the example without a positive label is left out.
  ExpectMetric(metrics, "one_error", 0.75, 2);
}

TEST(LabelMetrics, ThresholdDecidesWhatIsPredicted) {
  const std::vector<float> scores{0.5f, 0.49f};
  const std::vector<float> targets{1.0f, 1.0f};
  ExpectMetric(MetricsOf(scores, targets, 1), "hamming_loss", 0.5, 2);
  ExpectMetric(MetricsOf(scores, targets, 1, {0.4}), "hamming_loss", 0.0, 2);
  ExpectMetric(MetricsOf(scores, targets, 1, {0.6}), "hamming_loss", 1.0, 2);
}

TEST(LabelMetrics, RefusesWhatItCannotMeasure) {
  const std::vector<float> two(2, 0.5f);
  const std::vector<float> three(3, 0.5f);
  const std::vector<float> bad{0.5f, kNaN};
  const std::vector<float> outside{0.5f, 2.0f};
  EXPECT_THROW(MetricsOf(two, three, 1), Error);
  EXPECT_THROW(MetricsOf(three, three, 2), Error);
  EXPECT_THROW(MetricsOf(two, two, 0), Error);
  EXPECT_THROW(MetricsOf(bad, two, 1), Error);
  EXPECT_THROW(MetricsOf(two, outside, 1), Error);
  EXPECT_THROW(MetricsOf(two, two, 1, {std::nan("")}), Error);
  EXPECT_THROW(MetricsOf(three, three, 3, {0.5, 0.5}), Error);
  EXPECT_THROW(LabelMetrics({.probabilities = two, .logits = three}, two, Letters(1)), Error);
  EXPECT_THROW(LabelMetrics({.probabilities = two, .logits = bad}, two, Letters(1)), Error);
}

}  // namespace
}  // namespace espalier
