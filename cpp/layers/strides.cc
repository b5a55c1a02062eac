// SPDX-License-Identifier: Apache-2.0
#include "layers/strides.h"

#include <algorithm>

#include "core/text.h"
#include "layers/partition.h"

namespace espalier {

Strides StridesOf(const Shape& shape, Layout layout) {
  Strides strides{};
  const bool is_last = layout == Layout::kChannelsLast;
  std::int64_t stride = 1;
  if (is_last) {
    strides[0] = 1;
    stride = shape[0];
  }
  for (int axis = shape.rank() - 1; axis >= (is_last ? 1 : 0); --axis) {
    strides[static_cast<std::size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  return strides;
}

void CopyExamples(const StridedLoops& loops, std::int64_t batch, const BatchCopy& copy,
                  Workspace& workspace) {
  const StridedLoops::Loop first = loops.depth == 0 ? StridedLoops::Loop{1, 0, 0} : loops.loops[0];
  std::int64_t turn_elements = 1;
  for (int i = 1; i < loops.depth; ++i) {
    turn_elements *= loops.loops[static_cast<std::size_t>(i)].count;
  }
  ForRows(workspace, batch * first.count, turn_elements, [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const std::int64_t example = begin / first.count;
      const std::int64_t turn = begin % first.count;
      const std::int64_t turns = std::min(end - begin, first.count - turn);
      StridedLoops part = loops;
      if (part.depth > 0) part.loops[0].count = turns;
      CopyStrided(part, copy.from + example * copy.from_example + turn * first.from,
                  copy.to + example * copy.to_example + turn * first.to);
      begin += turns;
    }
  });
}

int ResolveAxis(std::int64_t axis, int rank, std::string_view kind) {
  if (axis < -rank || axis >= rank) {
    Fail(ErrorCode::kShapeMismatch, kind, ": expected an input of at least ",
         axis < 0 ? -axis : axis + 1, " dimensions, got ", rank);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

AxisSplit SplitAt(const Shape& shape, int axis, Layout layout) {
  const std::int64_t inner = StridesOf(shape, layout)[static_cast<std::size_t>(axis)];
  return {
      .outer = shape.element_count() / shape[axis] / inner, .size = shape[axis], .inner = inner};
}

}  // namespace espalier
