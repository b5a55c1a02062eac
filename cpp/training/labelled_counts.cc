// SPDX-License-Identifier: Apache-2.0
#include "training/labelled_counts.h"

#include "losses/labelled.h"

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
      if (of.classes.empty() ? IsLabelledValue(of, i) : IsLabelledClass(of, i)) ++own[i % width];
    }
  }
}

}  // namespace espalier
