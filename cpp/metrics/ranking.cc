// SPDX-License-Identifier: Apache-2.0
#include "metrics/ranking.h"

#include <algorithm>
#include <limits>

namespace espalier {
namespace {

// Entries of one score, and how many stand above them.
struct TieGroup {
  std::int64_t count = 0;
  std::int64_t positives = 0;
  std::int64_t count_above = 0;
  std::int64_t positives_above = 0;

  std::int64_t negatives() const { return count - positives; }
  double Precision() const {
    return static_cast<double>(positives_above + positives) /
           static_cast<double>(count_above + count);
  }
};

template <typename Visit>
void ForEachTieGroup(std::vector<Scored>& entries, Visit visit) {
  std::sort(entries.begin(), entries.end(),
            [](const Scored& a, const Scored& b) { return a.score > b.score; });
  TieGroup group;
  for (std::size_t first = 0; first < entries.size();) {
    std::size_t end = first;
    group.positives = 0;
    for (; end < entries.size() && entries[end].score == entries[first].score; ++end) {
      if (entries[end].is_positive) ++group.positives;
    }
    group.count = static_cast<std::int64_t>(end - first);
    visit(group);
    group.count_above += group.count;
    group.positives_above += group.positives;
    first = end;
  }
}

std::int64_t CountPositives(const std::vector<Scored>& entries) {
  return std::count_if(entries.begin(), entries.end(),
                       [](const Scored& entry) { return entry.is_positive; });
}

double Ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double AreaUnderCurve(std::vector<Scored>& entries) {
  const std::int64_t positives = CountPositives(entries);
  const std::int64_t negatives = static_cast<std::int64_t>(entries.size()) - positives;
  if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
  double twice_right = 0.0;  // whole numbers: exact
  ForEachTieGroup(entries, [&](const TieGroup& group) {
    twice_right += static_cast<double>(group.negatives()) *
                   static_cast<double>(2 * group.positives_above + group.positives);
  });
  return twice_right / (2.0 * static_cast<double>(positives) * static_cast<double>(negatives));
}

double AveragePrecision(std::vector<Scored>& entries) {
  const std::int64_t positives = CountPositives(entries);
  if (positives == 0) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0.0;
  ForEachTieGroup(entries, [&](const TieGroup& group) {
    sum += static_cast<double>(group.positives) * group.Precision();
  });
  return sum / static_cast<double>(positives);
}

RowRanking RankRow(std::vector<Scored>& entries) {
  RowRanking row;
  row.positives = CountPositives(entries);
  const auto count = static_cast<std::int64_t>(entries.size());
  const std::int64_t negatives = count - row.positives;
  double precisions = 0.0;
  std::int64_t wrong_pairs = 0;
  ForEachTieGroup(entries, [&](const TieGroup& group) {
    if (group.count_above == 0) row.one_error = Ratio(group.negatives(), group.count);
    if (group.positives > 0) row.coverage = static_cast<double>(group.count_above + group.count);
    precisions += static_cast<double>(group.positives) * group.Precision();
    wrong_pairs += group.negatives() * (row.positives - group.positives_above);
  });
  const bool has_pairs = row.positives > 0 && negatives > 0;
  row.ranking_loss = has_pairs
                         ? static_cast<double>(wrong_pairs) /
                               (static_cast<double>(row.positives) * static_cast<double>(negatives))
                         : 0.0;
  row.precision = has_pairs ? precisions / static_cast<double>(row.positives) : 1.0;
  return row;
}

}  // namespace espalier
