// SPDX-License-Identifier: Apache-2.0

// Conventions: the predicted class is the first of the most probable ones, as whoever reads a
// prediction has it. Classes that are never predicted have no precision, those that never occur no
// recall, those with neither no F1 and no part in macro_f1 (whose support is the number of classes
// that do). Support of precision: examples predicted, of recall: examples of the class, of all
// else: labelled examples.
//
//   top5_accuracy               share of examples whose class is among the first five, equal ones
//                               by index; by logits where they are known.
//   log_loss                    mean of -log of the probability of the right class: log Σ exp(z) -
//   z
//                               from logits; without, probabilities count as at least 2^-23
//                               (scikit-learn's rule for float).
//   expected_calibration_error  by the probability of the predicted class; 15 bins
//                               (calibration_error.h).
//   auc, average_precision      of two classes: of the second one, as for a label; by the
//   difference
//                               of the logits where they are known.

#include <algorithm>
#include <cmath>
#include <limits>

#include "espalier/metrics.h"
#include "metrics/average.h"
#include "metrics/calibration_error.h"
#include "metrics/checks.h"
#include "metrics/ranking.h"

namespace espalier {
namespace {

constexpr std::int64_t kTop = 5;

// Without logits the loss of a certain and wrong answer is finite.
constexpr double kLeastProbability = std::numeric_limits<float>::epsilon();

// Classes that come before `target` when sorted by probability, equal ones by index.
std::int64_t RankOf(std::span<const float> row, std::size_t target) {
  std::int64_t rank = 0;
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (row[c] > row[target] || (row[c] == row[target] && c < target)) ++rank;
  }
  return rank;
}

double LogLoss(std::span<const float> logits, std::size_t target) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const double logit : logits) sum += std::exp(logit - top);
  return std::log(sum) - (static_cast<double>(logits[target]) - top);
}

}  // namespace

TaskMetrics ClassMetrics(const TaskOutputs& outputs, std::span<const std::int32_t> classes,
                         std::span<const std::string> labels) {
  const std::size_t width = labels.size();
  const std::size_t examples =
      CheckedExamples(outputs.probabilities.size(), classes.size(), width, 1);
  CheckSameSize(outputs);
  const bool has_logits = !outputs.logits.empty();
  Average accuracy;
  Average top_accuracy;
  Average log_loss;
  CalibrationError calibration;
  std::vector<Scored> second;
  TaskMetrics result;
  result.counts.resize(width);
  result.confusion.resize(width * width);
  for (std::size_t example = 0; example < examples; ++example) {
    if (classes[example] == -1) {
      for (AnswerCounts& counts : result.counts) ++counts.blanks;
      continue;
    }
    if (classes[example] < 0 || static_cast<std::size_t>(classes[example]) >= width) {
      Fail(ErrorCode::kInvalidArgument, "metrics, row ", example, ": expected a class from 0 to ",
           width - 1, ", or -1, got ", classes[example]);
    }
    const auto target = static_cast<std::size_t>(classes[example]);
    const std::span<const float> row = outputs.probabilities.subspan(example * width, width);
    const std::span<const float> scores =
        has_logits ? outputs.logits.subspan(example * width, width) : row;
    for (std::size_t c = 0; c < width; ++c) {
      CheckFinite(row[c], example * width + c, labels);
      CheckFinite(scores[c], example * width + c, labels);
    }
    const auto predicted =
        static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    accuracy.Add(predicted == target ? 1.0 : 0.0);
    top_accuracy.Add(RankOf(scores, target) < kTop ? 1.0 : 0.0);
    log_loss.Add(has_logits
                     ? LogLoss(scores, target)
                     : -std::log(std::max(static_cast<double>(row[target]), kLeastProbability)));
    calibration.Add(row[predicted], predicted == target);
    for (std::size_t c = 0; c < width; ++c) {
      AddAnswer(result.counts[c], c == predicted, c == target);
    }
    ++result.confusion[target * width + predicted];
    if (width == 2) {
      const double score = has_logits ? static_cast<double>(scores[1]) - scores[0] : row[1];
      second.push_back({score, target == 1});
    }
  }

  Average macro_f1;
  for (const AnswerCounts& counts : result.counts) macro_f1.Add(F1Of(counts));
  std::vector<Metric>& metrics = result.metrics;
  metrics.push_back(accuracy.ToMetric("accuracy"));
  if (width > static_cast<std::size_t>(kTop)) {
    metrics.push_back(top_accuracy.ToMetric("top5_accuracy"));
  }
  metrics.push_back(log_loss.ToMetric("log_loss"));
  metrics.push_back(macro_f1.ToMetric("macro_f1"));
  metrics.push_back(calibration.ToMetric(""));
  if (width == 2) {
    const auto support = static_cast<std::int64_t>(second.size());
    metrics.push_back(MakeMetric("auc", "", AreaUnderCurve(second), support));
    metrics.push_back(MakeMetric("average_precision", "", AveragePrecision(second), support));
  }
  for (std::size_t c = 0; c < width; ++c) {
    const AnswerCounts& counts = result.counts[c];
    metrics.push_back(PrecisionOf(counts, labels[c]));
    metrics.push_back(RecallOf(counts, labels[c]));
    metrics.push_back(MakeMetric("f1", labels[c], F1Of(counts), KnownCount(counts)));
  }
  return result;
}

}  // namespace espalier
