// SPDX-License-Identifier: Apache-2.0

// Conventions: r2 of one value is 1 - Σ(z-y)² / Σ(y-mean)², undefined where all targets are
// equal; over all values both sums run over all of them, each with its own mean
// (scikit-learn's "variance_weighted"). Support: labelled entries.

#include <cmath>
#include <limits>

#include "espalier/metrics.h"
#include "metrics/average.h"
#include "metrics/checks.h"

namespace espalier {
namespace {

struct ErrorSums {
  std::int64_t count = 0;
  double squares = 0.0;
  double magnitudes = 0.0;
  double variation = 0.0;  // Σ (y - mean)²

  void Add(const ErrorSums& other) {
    count += other.count;
    squares += other.squares;
    magnitudes += other.magnitudes;
    variation += other.variation;
  }
  void AppendTo(std::vector<Metric>& metrics, const std::string& label) const {
    const auto entries = static_cast<double>(count);
    const double r2 =
        variation > 0.0 ? 1.0 - squares / variation : std::numeric_limits<double>::quiet_NaN();
    metrics.push_back(MakeMetric("mean_squared_error", label, squares / entries, count));
    metrics.push_back(MakeMetric("mean_absolute_error", label, magnitudes / entries, count));
    metrics.push_back(MakeMetric("r2", label, r2, count));
  }
};

}  // namespace

TaskMetrics ValueMetrics(std::span<const float> predictions, std::span<const float> targets,
                         std::span<const std::string> labels) {
  const std::size_t width = labels.size();
  const std::size_t examples = CheckedExamples(predictions.size(), targets.size(), width, width);
  constexpr float kGreatest = std::numeric_limits<float>::max();
  ErrorSums all;
  std::vector<ErrorSums> per_value(width);
  for (std::size_t j = 0; j < width; ++j) {
    ErrorSums& sums = per_value[j];
    double target_sum = 0.0;
    for (std::size_t i = j; i < examples * width; i += width) {
      if (std::isnan(targets[i])) continue;
      CheckTargetRange(targets[i], i, labels, -kGreatest, kGreatest);
      CheckFinite(predictions[i], i, labels);
      const double error = static_cast<double>(predictions[i]) - static_cast<double>(targets[i]);
      sums.squares += error * error;
      sums.magnitudes += std::abs(error);
      target_sum += static_cast<double>(targets[i]);
      ++sums.count;
    }
    const double mean = target_sum / static_cast<double>(sums.count);
    for (std::size_t i = j; i < examples * width; i += width) {
      if (std::isnan(targets[i])) continue;
      const double distance = static_cast<double>(targets[i]) - mean;
      sums.variation += distance * distance;
    }
    all.Add(sums);
  }
  TaskMetrics result;
  all.AppendTo(result.metrics, "");
  for (std::size_t j = 0; j < width; ++j) per_value[j].AppendTo(result.metrics, labels[j]);
  return result;
}

}  // namespace espalier
