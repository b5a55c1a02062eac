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

/// Answers to one question against the truth.
struct Confusion {
  std::int64_t true_positives = 0;
  std::int64_t false_positives = 0;
  std::int64_t false_negatives = 0;
  std::int64_t true_negatives = 0;

  void Add(bool predicted, bool is_true) {
    if (predicted) {
      ++(is_true ? true_positives : false_positives);
    } else {
      ++(is_true ? false_negatives : true_negatives);
    }
  }
  void Add(const Confusion& other) {
    true_positives += other.true_positives;
    false_positives += other.false_positives;
    false_negatives += other.false_negatives;
    true_negatives += other.true_negatives;
  }

  std::int64_t count() const {
    return true_positives + false_positives + false_negatives + true_negatives;
  }
  std::int64_t wrong() const { return false_positives + false_negatives; }
  std::int64_t predicted() const { return true_positives + false_positives; }
  std::int64_t actual() const { return true_positives + false_negatives; }

  /// NaN where nothing is predicted and nothing is true.
  double F1() const {
    return 2.0 * static_cast<double>(true_positives) / static_cast<double>(predicted() + actual());
  }
  double Accuracy() const {
    return static_cast<double>(count() - wrong()) / static_cast<double>(count());
  }
  double ErrorRate() const { return static_cast<double>(wrong()) / static_cast<double>(count()); }
};

}  // namespace espalier
