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

struct Answers {
  std::vector<float> probabilities;
  std::vector<std::int32_t> classes;
};

std::vector<Metric> MetricsOf(const std::vector<float>& probabilities,
                              const std::vector<std::int32_t>& classes, std::size_t width) {
  return ClassMetrics({.probabilities = probabilities}, classes, Letters(width)).metrics;
}

Answers KnownAnswers() {
  constexpr std::size_t kExamples = 60;
  constexpr std::size_t kClasses = 7;
  Answers answers;
  const std::vector<double> logits = Draws(kExamples * kClasses, 4);
  const std::vector<double> classes = Draws(kExamples, 5);
  for (std::size_t i = 0; i < kExamples; ++i) {
    answers.classes.push_back(static_cast<std::int32_t>(classes[i] * kClasses));
    std::vector<double> terms;
    double sum = 0.0;
    for (std::size_t c = 0; c < kClasses; ++c) {
      const bool is_target = static_cast<std::int32_t>(c) == answers.classes[i];
      terms.push_back(
          std::exp(std::floor(logits[i * kClasses + c] * 64) / 16 + (is_target ? 1.0 : 0.0)));
      sum += terms.back();
    }
    for (const double term : terms) {
      answers.probabilities.push_back(static_cast<float>(term / sum));
    }
  }
  return answers;
}

// The numbers are scikit-learn's (testdata/metrics.py).
TEST(ClassMetrics, EqualScikitLearns) {
  const Answers answers = KnownAnswers();
  const std::vector<Metric> metrics = MetricsOf(answers.probabilities, answers.classes, 7);
  EXPECT_NEAR(Find(metrics, "accuracy").value, 0.45, 1e-12);
  EXPECT_EQ(Find(metrics, "accuracy").support, 60);
  EXPECT_NEAR(Find(metrics, "top5_accuracy").value, 0.9, 1e-12);
  EXPECT_NEAR(Find(metrics, "log_loss").value, 1.6225267469013005, 1e-6);
  EXPECT_EQ(Find(metrics, "log_loss").support, 60);
  EXPECT_NEAR(Find(metrics, "macro_f1").value, 0.4442897675980383, 1e-12);
  const std::vector<double> precision{
      0.2, 0.5714285714285714, 0.3333333333333333, 0.5555555555555556, 0.6, 0.42857142857142855,
      0.5};
  const std::vector<double> recall{0.25, 0.6153846153846154,  0.3333333333333333, 0.5,
                                   0.5,  0.42857142857142855, 0.42857142857142855};
  std::int64_t predicted = 0;
  std::int64_t actual = 0;
  for (std::size_t c = 0; c < 7; ++c) {
    EXPECT_NEAR(Find(metrics, "precision", Letters(7)[c]).value, precision[c], 1e-12);
    EXPECT_NEAR(Find(metrics, "recall", Letters(7)[c]).value, recall[c], 1e-12);
    predicted += Find(metrics, "precision", Letters(7)[c]).support;
    actual += Find(metrics, "recall", Letters(7)[c]).support;
  }
  EXPECT_EQ(predicted, 60);
  EXPECT_EQ(actual, 60);
  const std::vector<double> f1{0.2222222222222222, 0.5925925925925926, 0.3333333333333333,
                               0.5263157894736842, 0.5454545454545454, 0.42857142857142855,
                               0.46153846153846156};
  for (std::size_t c = 0; c < 7; ++c) {
    EXPECT_NEAR(Find(metrics, "f1", Letters(7)[c]).value, f1[c], 1e-12);
  }
  EXPECT_NEAR(Find(metrics, "expected_calibration_error").value, 0.13011428707812975, 1e-6);
  EXPECT_EQ(Find(metrics, "auc").name, "missing") << "of two classes only";
}

TEST(ClassMetrics, ConfusionEqualsScikitLearns) {
  const Answers answers = KnownAnswers();
  const TaskMetrics metrics =
      ClassMetrics({.probabilities = answers.probabilities}, answers.classes, Letters(7));
  EXPECT_EQ(metrics.confusion,
            (std::vector<std::int64_t>{2, 1, 2, 1, 1, 1, 0, 3, 8, 1, 0, 1, 0, 0, 2, 3, 3,
                                       0, 0, 0, 1, 2, 0, 1, 5, 0, 2, 0, 0, 1, 0, 1, 3, 0,
                                       1, 1, 0, 2, 0, 0, 3, 1, 0, 1, 0, 2, 0, 1, 3}));
  EXPECT_EQ(
      metrics.counts[1],
      (AnswerCounts{
          .true_positives = 8, .false_positives = 6, .false_negatives = 5, .true_negatives = 41}));
}

TEST(ClassMetrics, OfTwoClassesEqualScikitLearnsByLogits) {
  std::vector<float> logits;
  std::vector<float> probabilities;
  std::vector<std::int32_t> classes;
  const std::vector<double> scores = Draws(100, 10);
  const std::vector<double> noise = Draws(50, 11);
  for (std::size_t i = 0; i < 50; ++i) {
    for (const std::size_t c : {2 * i, 2 * i + 1}) {
      logits.push_back(static_cast<float>(60 * (scores[c] - 0.5)));
    }
    const double difference = static_cast<double>(logits[2 * i + 1]) - logits[2 * i];
    probabilities.push_back(static_cast<float>(1 / (1 + std::exp(difference))));
    probabilities.push_back(static_cast<float>(1 / (1 + std::exp(-difference))));
    const double moved = 30 * (noise[i] - 0.5) + static_cast<double>(logits[2 * i + 1]);
    classes.push_back(moved - static_cast<double>(logits[2 * i]) > 0 ? 1 : 0);
  }
  const std::vector<Metric> metrics =
      ClassMetrics({.probabilities = probabilities, .logits = logits}, classes, Letters(2)).metrics;
  EXPECT_NEAR(Find(metrics, "auc").value, 0.9774557165861515, 1e-12);
  EXPECT_EQ(Find(metrics, "auc").support, 50);
  EXPECT_NEAR(Find(metrics, "average_precision").value, 0.9764512075476157, 1e-12);
  EXPECT_NEAR(Find(metrics, "log_loss").value, 0.6460394971376577, 1e-12);
}

// In float all other probabilities are 0; by logits the right class is second.
TEST(ClassMetrics, TopFiveIsByLogits) {
  const std::vector<float> probabilities{1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  const std::vector<float> logits{200.0f, 9.0f, 8.0f, 7.0f, 6.0f, 5.0f, 70.0f};
  const std::vector<std::int32_t> classes{6};
  EXPECT_EQ(Find(MetricsOf(probabilities, classes, 7), "top5_accuracy").value, 0.0);
  const std::vector<Metric> metrics =
      ClassMetrics({.probabilities = probabilities, .logits = logits}, classes, Letters(7)).metrics;
  EXPECT_EQ(Find(metrics, "top5_accuracy").value, 1.0);
  EXPECT_NEAR(Find(metrics, "log_loss").value, 130.0, 1e-12);
}

TEST(ClassMetrics, UnlabelledExamplesDoNotCount) {
  const Answers answers = KnownAnswers();
  Answers more = answers;
  for (int i = 0; i < 3; ++i) {
    more.classes.push_back(-1);
    more.probabilities.insert(more.probabilities.end(), 7, kNaN);
  }
  const std::vector<Metric> a = MetricsOf(answers.probabilities, answers.classes, 7);
  const std::vector<Metric> b = MetricsOf(more.probabilities, more.classes, 7);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].value, b[i].value);
    EXPECT_EQ(a[i].support, b[i].support);
  }
}

TEST(ClassMetrics, UndefinedIsNotZero) {
  const std::vector<float> probabilities{0.8f, 0.1f, 0.1f, 0.7f, 0.2f, 0.1f};
  const std::vector<std::int32_t> classes{0, 1};
  const std::vector<Metric> metrics = MetricsOf(probabilities, classes, 3);
  EXPECT_EQ(Find(metrics, "precision", "a").value, 0.5);
  EXPECT_EQ(Find(metrics, "precision", "a").support, 2);
  EXPECT_EQ(Find(metrics, "recall", "a").value, 1.0);
  EXPECT_TRUE(std::isnan(Find(metrics, "precision", "b").value));
  EXPECT_EQ(Find(metrics, "precision", "b").support, 0);
  EXPECT_EQ(Find(metrics, "recall", "b").value, 0.0);
  EXPECT_TRUE(std::isnan(Find(metrics, "recall", "c").value));
  EXPECT_NEAR(Find(metrics, "macro_f1").value, (2.0 / 3.0 + 0.0) / 2.0, 1e-12);
  EXPECT_EQ(Find(metrics, "macro_f1").support, 2);
  EXPECT_EQ(Find(metrics, "top5_accuracy").name, "missing");
  const std::vector<std::int32_t> none{-1, -1};
  for (const Metric& metric : MetricsOf(probabilities, none, 3)) {
    EXPECT_TRUE(std::isnan(metric.value)) << metric.name;
    EXPECT_EQ(metric.support, 0) << metric.name;
  }
}

TEST(ClassMetrics, LogLossOfACertainWrongAnswerIsFinite) {
  const std::vector<float> probabilities{1.0f, 0.0f};
  const std::vector<std::int32_t> classes{1};
  EXPECT_NEAR(Find(MetricsOf(probabilities, classes, 2), "log_loss").value, -std::log(0x1p-23),
              1e-12);
}

TEST(ClassMetrics, RefusesWhatItCannotMeasure) {
  const std::vector<float> four(4, 0.5f);
  const std::vector<float> bad{0.5f, kNaN, 0.5f, 0.5f};
  const std::vector<std::int32_t> two{0, 1};
  const std::vector<std::int32_t> outside{0, 2};
  EXPECT_THROW(MetricsOf(four, two, 3), Error);
  EXPECT_THROW(MetricsOf(four, two, 0), Error);
  EXPECT_THROW(MetricsOf(four, outside, 2), Error);
  EXPECT_THROW(MetricsOf(bad, two, 2), Error);
}

}  // namespace
}  // namespace espalier
