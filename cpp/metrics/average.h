// SPDX-License-Identifier: Apache-2.0
#pragma once

// What metrics are made of: counts of right and wrong answers, and means of what is defined.

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "espalier/metrics.h"

namespace espalier {

/// value with its support, or undefined: NaN with support 0.
inline Metric MakeMetric(std::string name, std::string label, double value, std::int64_t support) {
  if (support == 0 || std::isnan(value)) {
    return {std::move(name), std::move(label), std::numeric_limits<double>::quiet_NaN(), 0};
  }
  return {std::move(name), std::move(label), value, support};
}

/// The mean of the values added that are not NaN, and how many those were.
class Average {
 public:
  void Add(double value) {
    if (std::isnan(value)) return;
    sum_ += value;
    ++count_;
  }
  Metric ToMetric(std::string name, std::string label = "") const {
    return MakeMetric(std::move(name), std::move(label), sum_ / static_cast<double>(count_),
                      count_);
  }

 private:
  double sum_ = 0.0;
  std::int64_t count_ = 0;
};

inline void AddAnswer(AnswerCounts& counts, bool is_predicted, bool is_true) {
  if (is_predicted) {
    ++(is_true ? counts.true_positives : counts.false_positives);
  } else {
    ++(is_true ? counts.false_negatives : counts.true_negatives);
  }
}

inline void AddCounts(AnswerCounts& counts, const AnswerCounts& more) {
  counts.true_positives += more.true_positives;
  counts.false_positives += more.false_positives;
  counts.false_negatives += more.false_negatives;
  counts.true_negatives += more.true_negatives;
  counts.blanks += more.blanks;
}

inline std::int64_t KnownCount(const AnswerCounts& counts) {
  return counts.true_positives + counts.false_positives + counts.false_negatives +
         counts.true_negatives;
}

/// NaN where nothing is predicted.
inline Metric PrecisionOf(const AnswerCounts& counts, const std::string& label) {
  const std::int64_t predicted = counts.true_positives + counts.false_positives;
  return MakeMetric("precision", label,
                    static_cast<double>(counts.true_positives) / static_cast<double>(predicted),
                    predicted);
}

/// NaN where nothing is true.
inline Metric RecallOf(const AnswerCounts& counts, const std::string& label) {
  const std::int64_t actual = counts.true_positives + counts.false_negatives;
  return MakeMetric("recall", label,
                    static_cast<double>(counts.true_positives) / static_cast<double>(actual),
                    actual);
}

/// NaN where nothing is predicted and nothing is true.
inline double F1Of(const AnswerCounts& counts) {
  const std::int64_t predicted = counts.true_positives + counts.false_positives;
  const std::int64_t actual = counts.true_positives + counts.false_negatives;
  return 2.0 * static_cast<double>(counts.true_positives) / static_cast<double>(predicted + actual);
}

inline double AccuracyOf(const AnswerCounts& counts) {
  return static_cast<double>(counts.true_positives + counts.true_negatives) /
         static_cast<double>(KnownCount(counts));
}

inline double ErrorRateOf(const AnswerCounts& counts) {
  return static_cast<double>(counts.false_positives + counts.false_negatives) /
         static_cast<double>(KnownCount(counts));
}

}  // namespace espalier
