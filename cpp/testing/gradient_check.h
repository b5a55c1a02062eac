// SPDX-License-Identifier: Apache-2.0
#pragma once

// Central differences of a float64 reference.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

namespace espalier::testing {

struct GradientCheck {
  std::size_t checked = 0;
  std::size_t skipped = 0;  // too near a kink
  std::size_t failed = 0;
  std::size_t worst = 0;      // index of the largest excess
  double worst_excess = 0.0;  // |a - n| over what is allowed; above 1 is a failure
};

/// Compares `gradient` (of `loss` at `point`) with central differences in float64:
/// |a - n| <= 1e-7 + 1e-5 · max(|a|, |n|). The point is restored. Entries for which
/// `is_kink(i)` holds are counted as skipped.
inline GradientCheck CheckGradient(
    std::vector<double>& point, const std::vector<double>& gradient,
    const std::function<double()>& loss, double step = 1e-6,
    const std::function<bool(std::size_t)>& is_kink = [](std::size_t) { return false; }) {
  GradientCheck result;
  if (gradient.size() != point.size()) {
    result.failed = std::max(gradient.size(), point.size());
    return result;
  }
  for (std::size_t i = 0; i < point.size(); ++i) {
    if (is_kink(i)) {
      ++result.skipped;
      continue;
    }
    const double saved = point[i];
    const double width = step * std::max(1.0, std::abs(saved));
    const double above = saved + width;
    const double below = saved - width;
    point[i] = above;
    const double loss_above = loss();
    point[i] = below;
    const double loss_below = loss();
    point[i] = saved;
    const double numeric = (loss_above - loss_below) / (above - below);
    const double allowed = 1e-7 + 1e-5 * std::max(std::abs(gradient[i]), std::abs(numeric));
    const double excess = std::abs(gradient[i] - numeric) / allowed;
    ++result.checked;
    if (!(excess <= 1.0)) ++result.failed;
    if (!(excess <= result.worst_excess)) {
      result.worst_excess = excess;
      result.worst = i;
    }
  }
  return result;
}

}  // namespace espalier::testing
