// SPDX-License-Identifier: Apache-2.0
#include "training/labelled_counts.h"

#include <cmath>

namespace espalier {

std::int64_t TargetsOf(const GraphHead& head) {
  return head.task.kind == TaskKind::kClasses ? 1 : head.width();
}

void AddLabelled(std::span<const GraphHead> heads, std::int64_t batch,
                 std::span<const TaskTargets> targets, std::span<std::int64_t> counts) {
  for (std::size_t head = 0; head < heads.size(); ++head) {
    const TaskTargets& of = targets[head];
    const auto width = static_cast<std::size_t>(TargetsOf(heads[head]));
    const std::span<std::int64_t> own = counts.first(width);
    counts = counts.subspan(width);
    if (of.values.empty() && of.classes.empty()) continue;
    for (std::size_t i = 0; i < static_cast<std::size_t>(batch) * width; ++i) {
      const bool is_known = of.classes.empty() ? !std::isnan(of.values[i]) : of.classes[i] >= 0;
      if (of.mask.empty() ? is_known : of.mask[i] != 0) ++own[i % width];
    }
  }
}

}  // namespace espalier
