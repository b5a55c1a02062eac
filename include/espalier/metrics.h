// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace espalier {

/// A metric and what it was computed from. Undefined is NaN with support 0, never 0.
struct Metric {
  std::string name;   ///< "hamming_loss", "macro_auc", "auc" …
  std::string label;  ///< for per-label metrics; else empty
  double value = 0.0;
  std::int64_t support = 0;
};

/// Answers to one yes/no question against the truth: a label, or a class against all others.
struct AnswerCounts {
  std::int64_t true_positives = 0;
  std::int64_t false_positives = 0;
  std::int64_t false_negatives = 0;
  std::int64_t true_negatives = 0;
  std::int64_t blanks = 0;  ///< entries without a known answer

  bool operator==(const AnswerCounts&) const = default;
};

/// What a model answered, [examples, width]. The conventions of each metric are stated in
/// cpp/metrics/label_metrics.h and at the top of class_metrics.cc and value_metrics.cc.
struct TaskOutputs {
  std::span<const float> probabilities;
  /// What the probabilities were computed from; empty: not known. Whatever goes by rank is
  /// computed from these, as many logits have the same probability, 1, in float.
  std::span<const float> logits = {};
};

struct TaskMetrics {
  std::vector<Metric> metrics;          ///< of the whole task, then per label, class or value
  std::vector<AnswerCounts> counts;     ///< one a label or class; none of values
  std::vector<std::int64_t> confusion;  ///< classes: [true, predicted]; else empty
};

/// Metrics of a labels head; targets: [examples, labels], unlabelled is NaN. A label counts as
/// predicted where its probability is at least its threshold. thresholds: one a label, or one for
/// all, or none: 0.5.
///
/// hamming_loss, micro_f1, macro_f1, macro_auc, mean_average_precision (over labels),
/// expected_calibration_error, subset_accuracy, ranking_loss, one_error, coverage, lrap; per label:
/// auc, average_precision, precision, recall, f1, accuracy, expected_calibration_error.
TaskMetrics LabelMetrics(const TaskOutputs& outputs, std::span<const float> targets,
                         std::span<const std::string> labels,
                         std::span<const double> thresholds = {});

/// accuracy, top5_accuracy (n > 5), log_loss, macro_f1, expected_calibration_error, and of two
/// classes auc and average_precision of the second one; per class: precision, recall, f1. -1 is
/// unlabelled.
TaskMetrics ClassMetrics(const TaskOutputs& outputs, std::span<const std::int32_t> classes,
                         std::span<const std::string> labels);

/// mean_squared_error, mean_absolute_error, r2 (over all labelled values; and per value).
TaskMetrics ValueMetrics(std::span<const float> predictions, std::span<const float> targets,
                         std::span<const std::string> labels);

}  // namespace espalier
