// SPDX-License-Identifier: Apache-2.0

// Conventions: the predicted class is the first of the most probable ones. Classes that
// are never predicted have no precision, those that never occur no recall, those with
// neither no F1 and no part in macro_f1 (whose support is the number of classes that do).

#include <algorithm>
#include <cmath>
#include <limits>

#include "espalier/metrics.h"
#include "metrics/average.h"
#include "metrics/checks.h"

namespace espalier {
namespace {

constexpr std::int64_t kTop = 5;

// The loss of a certain and wrong answer is finite: probabilities count as at least this
// (scikit-learn's rule for float).
constexpr double kLeastProbability = std::numeric_limits<float>::epsilon();

// Classes that come before `target` when sorted by probability, equal ones by index.
std::int64_t RankOf(std::span<const float> row, std::size_t target) {
  std::int64_t rank = 0;
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (row[c] > row[target] || (row[c] == row[target] && c < target)) ++rank;
  }
  return rank;
}

double Ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<Metric> ClassMetrics(std::span<const float> probabilities,
                                 std::span<const std::int32_t> classes,
                                 std::span<const std::string> labels) {
  const std::size_t width = labels.size();
  const std::size_t examples = CheckedExamples(probabilities.size(), classes.size(), width, 1);
  Average accuracy;
  Average top_accuracy;
  Average log_loss;
  std::vector<Confusion> confusions(width);
  for (std::size_t example = 0; example < examples; ++example) {
    if (classes[example] == -1) continue;
    if (classes[example] < 0 || static_cast<std::size_t>(classes[example]) >= width) {
      Fail(ErrorCode::kInvalidArgument, "metrics, row ", example, ": expected a class from 0 to ",
           width - 1, ", or -1, got ", classes[example]);
    }
    const auto target = static_cast<std::size_t>(classes[example]);
    const std::span<const float> row = probabilities.subspan(example * width, width);
    for (std::size_t c = 0; c < width; ++c) CheckFinite(row[c], example * width + c, labels);
    const auto predicted =
        static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    accuracy.Add(predicted == target ? 1.0 : 0.0);
    top_accuracy.Add(RankOf(row, target) < kTop ? 1.0 : 0.0);
    log_loss.Add(-std::log(std::max(static_cast<double>(row[target]), kLeastProbability)));
    for (std::size_t c = 0; c < width; ++c) confusions[c].Add(c == predicted, c == target);
  }

  Average macro_f1;
  for (const Confusion& confusion : confusions) macro_f1.Add(confusion.F1());
  std::vector<Metric> metrics;
  metrics.push_back(accuracy.ToMetric("accuracy"));
  if (width > static_cast<std::size_t>(kTop)) {
    metrics.push_back(top_accuracy.ToMetric("top5_accuracy"));
  }
  metrics.push_back(log_loss.ToMetric("log_loss"));
  metrics.push_back(macro_f1.ToMetric("macro_f1"));
  for (std::size_t c = 0; c < width; ++c) {
    const Confusion& confusion = confusions[c];
    metrics.push_back(MakeMetric("precision", labels[c],
                                 Ratio(confusion.true_positives, confusion.predicted()),
                                 confusion.predicted()));
    metrics.push_back(MakeMetric("recall", labels[c],
                                 Ratio(confusion.true_positives, confusion.actual()),
                                 confusion.actual()));
  }
  return metrics;
}

}  // namespace espalier
