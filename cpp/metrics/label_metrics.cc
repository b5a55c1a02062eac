// SPDX-License-Identifier: Apache-2.0
#include "metrics/label_metrics.h"

#include <cmath>

#include "metrics/average.h"
#include "metrics/checks.h"
#include "metrics/ranking.h"

namespace espalier {
namespace {

constexpr float kPositiveFrom = 0.5f;

struct Answers {
  std::span<const float> probabilities;
  std::span<const float> targets;
  std::size_t examples;
  std::size_t labels;
  double threshold;

  bool IsLabelled(std::size_t i) const { return !std::isnan(targets[i]); }
  bool IsPositive(std::size_t i) const { return targets[i] >= kPositiveFrom; }
  bool IsPredicted(std::size_t i) const {
    return static_cast<double>(probabilities[i]) >= threshold;
  }
  Scored At(std::size_t i) const { return {probabilities[i], IsPositive(i)}; }
};

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

std::vector<Metric> LabelMetrics(std::span<const float> probabilities,
                                 std::span<const float> targets,
                                 std::span<const std::string> labels, double threshold) {
  const std::size_t examples =
      CheckedExamples(probabilities.size(), targets.size(), labels.size(), labels.size());
  if (!std::isfinite(threshold)) {
    Fail(ErrorCode::kInvalidArgument, "metrics: expected a finite threshold, got ", threshold);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (std::isnan(targets[i])) continue;
    CheckTargetRange(targets[i], i, labels, 0.0f, 1.0f);
    CheckFinite(probabilities[i], i, labels);
  }
  const Answers answers{probabilities, targets, examples, labels.size(), threshold};

  std::vector<Metric> per_label;
  Confusion all;
  Average macro_f1;
  Average macro_auc;
  Average mean_average_precision;
  std::vector<Scored> entries;
  for (std::size_t label = 0; label < answers.labels; ++label) {
    Confusion confusion;
    entries.clear();
    for (std::size_t example = 0; example < examples; ++example) {
      const std::size_t i = example * answers.labels + label;
      if (!answers.IsLabelled(i)) continue;
      confusion.Add(answers.IsPredicted(i), answers.IsPositive(i));
      entries.push_back(answers.At(i));
    }
    all.Add(confusion);
    const double auc = AreaUnderCurve(entries);
    const double average_precision = AveragePrecision(entries);
    macro_f1.Add(confusion.F1());
    macro_auc.Add(auc);
    mean_average_precision.Add(average_precision);
    const std::string& name = labels[label];
    const std::int64_t support = confusion.count();
    per_label.push_back(MakeMetric("auc", name, auc, support));
    per_label.push_back(MakeMetric("average_precision", name, average_precision, support));
    per_label.push_back(MakeMetric("f1", name, confusion.F1(), support));
    per_label.push_back(MakeMetric("accuracy", name, confusion.Accuracy(), support));
  }

  std::vector<Metric> metrics;
  metrics.push_back(MakeMetric("hamming_loss", "", all.ErrorRate(), all.count()));
  metrics.push_back(MakeMetric("micro_f1", "", all.F1(), all.count()));
  metrics.push_back(macro_f1.ToMetric("macro_f1"));
  metrics.push_back(macro_auc.ToMetric("macro_auc"));
  metrics.push_back(mean_average_precision.ToMetric("mean_average_precision"));
  AddExampleMetrics(answers, metrics);
  metrics.insert(metrics.end(), per_label.begin(), per_label.end());
  return metrics;
}

}  // namespace espalier
