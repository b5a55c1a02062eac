// SPDX-License-Identifier: Apache-2.0
#include "metrics/label_metrics.h"

#include <cmath>

#include "metrics/average.h"
#include "metrics/calibration_error.h"
#include "metrics/checks.h"
#include "metrics/ranking.h"

namespace espalier {
namespace {

constexpr float kPositiveFrom = 0.5f;
constexpr double kUsualThreshold = 0.5;

struct Answers {
  std::span<const float> probabilities;
  std::span<const float> scores;
  std::span<const float> targets;
  std::size_t examples;
  std::size_t labels;
  std::vector<double> thresholds;  // one a label

  bool IsLabelled(std::size_t i) const { return !std::isnan(targets[i]); }
  bool IsPositive(std::size_t i) const { return targets[i] >= kPositiveFrom; }
  bool IsPredicted(std::size_t i) const {
    return static_cast<double>(probabilities[i]) >= thresholds[i % labels];
  }
  Scored At(std::size_t i) const { return {scores[i], IsPositive(i)}; }
};

std::vector<double> ThresholdOfEach(std::span<const double> thresholds, std::size_t labels) {
  if (thresholds.size() > 1 && thresholds.size() != labels) {
    Fail(ErrorCode::kShapeMismatch, "metrics: expected ", labels,
         " thresholds, or one, or none, got ", thresholds.size());
  }
  for (const double threshold : thresholds) {
    if (!std::isfinite(threshold)) {
      Fail(ErrorCode::kInvalidArgument, "metrics: expected finite thresholds, got ", threshold);
    }
  }
  if (thresholds.size() == labels) return {thresholds.begin(), thresholds.end()};
  return std::vector<double>(labels, thresholds.empty() ? kUsualThreshold : thresholds[0]);
}

// Everything that goes example by example.
void AddExampleMetrics(const Answers& answers, std::vector<Metric>& metrics) {
  Average subset_accuracy;
  Average ranking_loss;
  Average one_error;
  Average coverage;
  Average lrap;
  std::vector<Scored> entries;
  for (std::size_t example = 0; example < answers.examples; ++example) {
    entries.clear();
    bool is_right = true;
    for (std::size_t label = 0; label < answers.labels; ++label) {
      const std::size_t i = example * answers.labels + label;
      if (!answers.IsLabelled(i)) continue;
      entries.push_back(answers.At(i));
      is_right = is_right && answers.IsPredicted(i) == answers.IsPositive(i);
    }
    if (entries.empty()) continue;
    const RowRanking row = RankRow(entries);
    subset_accuracy.Add(is_right ? 1.0 : 0.0);
    ranking_loss.Add(row.ranking_loss);
    coverage.Add(row.coverage);
    lrap.Add(row.precision);
    if (row.positives > 0) one_error.Add(row.one_error);
  }
  metrics.push_back(subset_accuracy.ToMetric("subset_accuracy"));
  metrics.push_back(ranking_loss.ToMetric("ranking_loss"));
  metrics.push_back(one_error.ToMetric("one_error"));
  metrics.push_back(coverage.ToMetric("coverage"));
  metrics.push_back(lrap.ToMetric("lrap"));
}

}  // namespace

TaskMetrics LabelMetrics(const TaskOutputs& outputs, std::span<const float> targets,
                         std::span<const std::string> labels, std::span<const double> thresholds) {
  const std::size_t examples =
      CheckedExamples(outputs.probabilities.size(), targets.size(), labels.size(), labels.size());
  CheckSameSize(outputs);
  const Answers answers{.probabilities = outputs.probabilities,
                        .scores = outputs.logits.empty() ? outputs.probabilities : outputs.logits,
                        .targets = targets,
                        .examples = examples,
                        .labels = labels.size(),
                        .thresholds = ThresholdOfEach(thresholds, labels.size())};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (std::isnan(targets[i])) continue;
    CheckTargetRange(targets[i], i, labels, 0.0f, 1.0f);
    CheckFinite(answers.probabilities[i], i, labels);
    CheckFinite(answers.scores[i], i, labels);
  }

  TaskMetrics result;
  std::vector<Metric> per_label;
  AnswerCounts all;
  CalibrationError calibration;
  Average macro_f1;
  Average macro_auc;
  Average mean_average_precision;
  std::vector<Scored> entries;
  for (std::size_t label = 0; label < answers.labels; ++label) {
    AnswerCounts counts;
    CalibrationError of_label;
    entries.clear();
    for (std::size_t example = 0; example < examples; ++example) {
      const std::size_t i = example * answers.labels + label;
      if (!answers.IsLabelled(i)) {
        ++counts.blanks;
        continue;
      }
      AddAnswer(counts, answers.IsPredicted(i), answers.IsPositive(i));
      of_label.Add(answers.probabilities[i], answers.IsPositive(i));
      calibration.Add(answers.probabilities[i], answers.IsPositive(i));
      entries.push_back(answers.At(i));
    }
    AddCounts(all, counts);
    result.counts.push_back(counts);
    const double auc = AreaUnderCurve(entries);
    const double average_precision = AveragePrecision(entries);
    macro_f1.Add(F1Of(counts));
    macro_auc.Add(auc);
    mean_average_precision.Add(average_precision);
    const std::string& name = labels[label];
    const std::int64_t support = KnownCount(counts);
    per_label.push_back(MakeMetric("auc", name, auc, support));
    per_label.push_back(MakeMetric("average_precision", name, average_precision, support));
    per_label.push_back(PrecisionOf(counts, name));
    per_label.push_back(RecallOf(counts, name));
    per_label.push_back(MakeMetric("f1", name, F1Of(counts), support));
    per_label.push_back(MakeMetric("accuracy", name, AccuracyOf(counts), support));
    per_label.push_back(of_label.ToMetric(name));
  }

  std::vector<Metric>& metrics = result.metrics;
  metrics.push_back(MakeMetric("hamming_loss", "", ErrorRateOf(all), KnownCount(all)));
  metrics.push_back(MakeMetric("micro_f1", "", F1Of(all), KnownCount(all)));
  metrics.push_back(macro_f1.ToMetric("macro_f1"));
  metrics.push_back(macro_auc.ToMetric("macro_auc"));
  metrics.push_back(mean_average_precision.ToMetric("mean_average_precision"));
  metrics.push_back(calibration.ToMetric(""));
  AddExampleMetrics(answers, metrics);
  metrics.insert(metrics.end(), per_label.begin(), per_label.end());
  return result;
}

}  // namespace espalier
