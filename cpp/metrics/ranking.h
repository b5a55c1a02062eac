// SPDX-License-Identifier: Apache-2.0
#pragma once

// Measures of an order by scores, with equal scores treated as one group, so that no
// result depends on the order of entries.

#include <cstdint>
#include <vector>

namespace espalier {

struct Scored {
  double score = 0.0;
  bool is_positive = false;
};

/// Each function sorts `entries` from the highest score down. Scores must not be NaN.

/// Area under the ROC curve: the share of pairs of a positive and a negative entry that
/// are in the right order, ties counting half. NaN without either kind.
double AreaUnderCurve(std::vector<Scored>& entries);

/// Sum over thresholds of (gain in recall) × precision, without interpolation. NaN without
/// a positive entry.
double AveragePrecision(std::vector<Scored>& entries);

/// One example's labels by score.
struct RowRanking {
  std::int64_t positives = 0;
  double ranking_loss = 0.0;  ///< share of pairs in the wrong order, ties wrong; 0 without pairs
  double one_error = 0.0;     ///< share of the top-scored labels that are not positive
  double coverage = 0.0;      ///< labels from the top that include all positive ones; 0 without any
  double precision =
      0.0;  ///< mean over positive labels of precision at their rank; 1 without pairs
};
RowRanking RankRow(std::vector<Scored>& entries);

}  // namespace espalier
