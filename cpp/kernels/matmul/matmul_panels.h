// SPDX-License-Identifier: Apache-2.0
#pragma once

// Matrix products cut into blocks of A. Internal to kernels/.

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/cpu.h"
#include "core/thread_pool.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/matmul_block.h"
#include "kernels/rounding.h"

namespace espalier {

/// Rows of A against packed columns, or columns where they lie.
struct PanelProduct {
  MatrixRef a;
  const float* b;
  std::int64_t b_stride;  ///< 0: packed, with a.columns rows; else as in TiledProduct
  std::int64_t n;
  float* c;
  std::int64_t c_stride;
  bool is_first;  ///< as in TiledProduct
  bool is_last;
  PanelOrder order = PanelOrder::kForward;
  float* panel_copy = nullptr;  ///< as in TiledProduct: room for PanelCopyFloats(k)
  float* block_copy = nullptr;  ///< room for BlockCopyFloats(a); may be null if that is 0
};

/// On the calling thread. Reads A where it lies if its rows or its columns are contiguous:
/// copying it would cost more than it gives, except where its lines would push each other
/// out of L1.
void MultiplyPanels(const PanelProduct& product, const Epilogue& epilogue);

/// Floats that MultiplyPanels copies of A at a time; 0: it reads A where it lies.
std::int64_t BlockCopyFloats(const MatrixRef& a);

/// The most that BlockCopyFloats says for any A with up to K columns, in whole cache lines.
std::int64_t MostBlockCopyFloats(std::int64_t k);

/// Floats of a panel of B with K rows, as many as MultiplyPanels takes at a time.
std::int64_t PanelCopyFloats(std::int64_t k);

/// True if vectors so many floats apart fall into one set of an L1 cache (4 KiB a way).
inline bool SharesCacheSet(std::int64_t stride) { return stride % 1024 == 0; }

/// Rows of A in a block that is read again for every panel of B.
inline constexpr std::int64_t kBlockRows = 48;

/// Multiply-adds worth no other worker's wake-up.
inline constexpr std::int64_t kWholeProduct = 1 << 17;

/// How a product is cut into tasks, by its size alone; a task has at least `columns` columns.
struct Partition {
  std::int64_t row_pieces;
  std::int64_t column_pieces;
};
Partition MakePartition(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t columns);

MatrixRef BlockOf(const MatrixRef& matrix, std::int64_t row, std::int64_t rows, std::int64_t column,
                  std::int64_t columns);

/// The epilogue of the part of C from that row and column on.
Epilogue Shifted(Epilogue epilogue, std::int64_t row, std::int64_t column);

/// C = A · (packed B) in parts that the workers share: multiply(rows of A, first panel of B,
/// columns, where they go in C, the part's epilogue, the worker's scratch).
template <typename Multiply>
void ShareProduct(const MatrixRef& a, std::int64_t n, float* c, std::int64_t c_stride,
                  const Epilogue& epilogue, Workspace& workspace, Multiply multiply) {
  const std::int64_t m = a.rows;
  const std::int64_t k = a.columns;
  if (m * n * k <= kWholeProduct || workspace.workers() == 1) {
    const FlushDenormals flush;  // as in ParallelFor
    multiply(a, std::int64_t{0}, n, c, epilogue, workspace.caller_scratch().data());
    return;
  }
  const std::int64_t panel = ActiveTileShape().columns;
  const Partition partition = MakePartition(m, n, k, 2 * panel);
  const ColumnParts columns(n, panel, partition.column_pieces);
  workspace.ParallelFor(partition.row_pieces * partition.column_pieces,
                        [&](std::int64_t task, std::span<float> scratch) {
                          const std::int64_t r = task % partition.row_pieces;
                          const std::int64_t j = task / partition.row_pieces;
                          const std::int64_t row = m * r / partition.row_pieces;
                          const std::int64_t rows = m * (r + 1) / partition.row_pieces - row;
                          const std::int64_t column = columns.Begin(j);
                          const std::int64_t end = columns.Begin(j + 1);
                          multiply(BlockOf(a, row, rows, 0, k), column / panel, end - column,
                                   c + row * c_stride + column, Shifted(epilogue, row, column),
                                   scratch.data());
                        });
}

}  // namespace espalier
