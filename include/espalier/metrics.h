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

/// Metrics of a labels head from probabilities and targets, both [examples, labels];
/// unlabelled is NaN. A label counts as predicted from `threshold` on.
///
/// hamming_loss, subset_accuracy, micro_f1, macro_f1, macro_auc, mean_average_precision (over
/// labels), ranking_loss, one_error, coverage, lrap; per label: auc, average_precision, f1,
/// accuracy. The convention of each is stated in cpp/metrics/label_metrics.h.
std::vector<Metric> LabelMetrics(std::span<const float> probabilities,
                                 std::span<const float> targets,
                                 std::span<const std::string> labels, double threshold = 0.5);

/// accuracy, top5_accuracy (n > 5), log_loss, macro_f1; per class: precision, recall. -1 is
/// unlabelled.
std::vector<Metric> ClassMetrics(std::span<const float> probabilities,
                                 std::span<const std::int32_t> classes,
                                 std::span<const std::string> labels);

/// mean_squared_error, mean_absolute_error, r2 (over all labelled values; and per value).
std::vector<Metric> ValueMetrics(std::span<const float> predictions, std::span<const float> targets,
                                 std::span<const std::string> labels);

}  // namespace espalier
