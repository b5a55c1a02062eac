// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <algorithm>

#include "core/cpu.h"
#include "kernels/matmul_block.h"
#include "kernels/matmul_panels.h"

namespace espalier {
namespace {

constexpr std::int64_t kWholeProduct = 1 << 17;  // multiply-adds worth no other worker's wake-up

}  // namespace

std::int64_t PackedFloats(std::int64_t k, std::int64_t n) {
  return k * RoundUp(n, ActiveTileShape().lanes);
}

void MatmulPacked(const MatrixRef& a, const float* packed_b, std::int64_t n, float* c,
                  std::int64_t c_stride, const Epilogue& epilogue) {
  if (a.rows <= 0 || n <= 0) return;
  MultiplyPanels({a, packed_b, 0, n, c, c_stride, true, true}, epilogue);
}

void ParallelMatmulPacked(const MatrixRef& a, const float* packed_b, std::int64_t n, float* c,
                          std::int64_t c_stride, const Epilogue& epilogue, Workspace& workspace) {
  const std::int64_t m = a.rows;
  const std::int64_t k = a.columns;
  if (m * n * k <= kWholeProduct || workspace.workers() == 1) {
    const FlushDenormals flush;  // as in ParallelFor
    MatmulPacked(a, packed_b, n, c, c_stride, epilogue);
    return;
  }
  const std::int64_t panel = ActiveTileShape().columns;
  const Partition partition = MakePartition(m, n, k, 2 * panel);
  const std::int64_t panels = (n + panel - 1) / panel;
  workspace.ParallelFor(
      partition.row_pieces * partition.column_pieces, [&](std::int64_t task, std::span<float>) {
        const std::int64_t r = task % partition.row_pieces;
        const std::int64_t j = task / partition.row_pieces;
        const std::int64_t row = m * r / partition.row_pieces;
        const std::int64_t rows = m * (r + 1) / partition.row_pieces - row;
        const std::int64_t column = panels * j / partition.column_pieces * panel;
        const std::int64_t end = std::min(n, panels * (j + 1) / partition.column_pieces * panel);
        MatmulPacked(BlockOf(a, row, rows, 0, k), packed_b + column * k, end - column,
                     c + row * c_stride + column, c_stride, Shifted(epilogue, row, column));
      });
}

}  // namespace espalier
