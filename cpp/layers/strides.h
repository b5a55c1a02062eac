// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values of any rank as arrays with a stride for each dimension, whichever way they lie.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/thread_pool.h"
#include "espalier/shape.h"
#include "kernels/copies/strided_copy.h"
#include "layers/layout.h"

namespace espalier {

using Strides = std::array<std::int64_t, Shape::kMaxRank>;

/// Floats from element to element along each dimension of a value that lies so.
Strides StridesOf(const Shape& shape, Layout layout);

/// The arrays of a whole batch, examples being so many floats apart.
struct BatchCopy {
  const float* from;
  std::int64_t from_example;
  float* to;
  std::int64_t to_example;
};

/// CopyStrided for each example; the work is shared out, along the first loop too.
void CopyExamples(const StridedLoops& loops, std::int64_t batch, const BatchCopy& copy,
                  Workspace& workspace);

/// `axis` of a value of that rank, counted from the end if negative. Throws Error: SHAPE_MISMATCH
/// if there is none.
int ResolveAxis(std::int64_t axis, int rank, std::string_view kind);

/// A value as three dimensions: those that lie before an axis, the axis, those that lie behind it.
struct AxisSplit {
  std::int64_t outer, size, inner;
};
AxisSplit SplitAt(const Shape& shape, int axis, Layout layout);

}  // namespace espalier
