// SPDX-License-Identifier: Apache-2.0
#pragma once

// How element-wise work is split among workers: by its size alone, so that results do not
// depend on their number.

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/thread_pool.h"
#include "kernels/copies/image_layout.h"

namespace espalier {

/// Elements a task should have at least: 128 KiB of floats, a few µs of work, so that a
/// hand-over (about 1 µs) is small beside it and a task's data fit in L2.
inline constexpr std::int64_t kTaskElements = 32768;

/// body(first, last) over [0, rows) in runs of whole rows with about kTaskElements
/// elements each, `row_elements` being what one row costs.
template <typename Body>
void ForRows(Workspace& workspace, std::int64_t rows, std::int64_t row_elements, Body body) {
  const std::int64_t run =
      std::max<std::int64_t>(1, kTaskElements / std::max<std::int64_t>(1, row_elements));
  const std::int64_t tasks = (rows + run - 1) / run;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float>) {
    body(task * run, std::min(rows, (task + 1) * run));
  });
}

/// As ForRows, over whole examples of `elements` each: body(example, the worker's scratch).
template <typename Body>
void ForExamples(Workspace& workspace, std::int64_t batch, std::int64_t elements, Body body) {
  const std::int64_t run =
      std::max<std::int64_t>(1, kTaskElements / std::max<std::int64_t>(1, elements));
  const std::int64_t tasks = (batch + run - 1) / run;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t last = std::min(batch, (task + 1) * run);
    for (std::int64_t example = task * run; example < last; ++example) {
      body(example, scratch.data());
    }
  });
}

/// As ForRows, over single elements.
template <typename Body>
void ForElements(Workspace& workspace, std::int64_t count, Body body) {
  ForRows(workspace, count, 1, body);
}

/// As ForRows, over columns of a matrix of `rows` rows: runs of at least a cache line.
template <typename Body>
void ForColumns(Workspace& workspace, std::int64_t columns, std::int64_t rows, Body body) {
  constexpr std::int64_t kLine = 16;
  const std::int64_t run = std::max<std::int64_t>(
      kLine, kTaskElements / std::max<std::int64_t>(1, rows) / kLine * kLine);
  const std::int64_t tasks = (columns + run - 1) / run;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float>) {
    body(task * run, std::min(columns, (task + 1) * run));
  });
}

/// As ForRows, over the positions of all images of a batch: body(where the image begins, first
/// position, last).
template <typename Body>
void ForPositions(Workspace& workspace, const ImageLayout& layout, std::int64_t batch, Body body) {
  ForRows(workspace, batch * layout.positions, layout.channels,
          [&](std::int64_t first, std::int64_t last) {
            while (first < last) {
              const std::int64_t image = first / layout.positions;
              const std::int64_t begin = image * layout.positions;
              const std::int64_t end = std::min(last, begin + layout.positions);
              body(begin * layout.channels, first - begin, end - begin);
              first = end;
            }
          });
}

}  // namespace espalier
