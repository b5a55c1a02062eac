// SPDX-License-Identifier: Apache-2.0
#include "layers/expansion.h"

#include <algorithm>

#include "kernels/reductions/axis_reduction.h"
#include "layers/partition.h"
#include "layers/strides.h"

namespace espalier {
namespace {

// Loops over an expanded value, first dimension first: from the value that it is of, 0 being the
// stride along repeated dimensions.
StridedLoops LoopsOf(const Shape& from, const Shape& to) {
  const Strides from_strides = StridesOf(from, Layout::kRowMajor);
  const Strides to_strides = StridesOf(to, Layout::kRowMajor);
  StridedLoops loops;
  for (int axis = 0; axis < to.rank(); ++axis) {
    const int own = axis - (to.rank() - from.rank());
    const bool is_repeated = own < 0 || from[own] != to[axis];
    loops.Add(to[axis], is_repeated ? 0 : from_strides[static_cast<std::size_t>(own)],
              to_strides[static_cast<std::size_t>(axis)]);
  }
  return loops;
}

// Adds up what was repeated along the loops from `depth` on: sums[…] += x[…], or to a single sum
// all of a run of neighbors.
void AddUp(const StridedLoops& loops, int depth, const float* x, float* sums) {
  if (depth == loops.depth) {
    *sums += *x;
    return;
  }
  const StridedLoops::Loop& loop = loops.loops[static_cast<std::size_t>(depth)];
  const bool is_last = depth + 1 == loops.depth;
  if (is_last && loop.from == 0) {
    float sum = 0.0f;
    ReduceRows(Reduction::kSum, {.size = loop.count, .inner = 1}, x, &sum);
    *sums += sum;
    return;
  }
  if (is_last) {
    StridedLoops row;
    row.Add(loop.count, loop.to, loop.from);
    AddStrided(row, x, sums);
    return;
  }
  for (std::int64_t i = 0; i < loop.count; ++i) {
    AddUp(loops, depth + 1, x + i * loop.to, sums + i * loop.from);
  }
}

}  // namespace

void ExpandExamples(const Shape& from, const Shape& to, std::int64_t batch, const float* input,
                    float* output, Workspace& workspace) {
  CopyExamples(LoopsOf(from, to), batch, {input, from.element_count(), output, to.element_count()},
               workspace);
}

void SumExpandedExamples(const Shape& from, const Shape& to, std::int64_t batch,
                         const float* grad_output, float* grad_input, Workspace& workspace) {
  const StridedLoops loops = LoopsOf(from, to);
  ForExamples(workspace, batch, to.element_count(), [&](std::int64_t example, float*) {
    float* const sums = grad_input + example * from.element_count();
    std::fill_n(sums, from.element_count(), 0.0f);
    AddUp(loops, 0, grad_output + example * to.element_count(), sums);
  });
}

}  // namespace espalier
