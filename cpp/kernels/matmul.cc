// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <algorithm>

#include "core/cpu.h"
#include "kernels/matmul_block.h"

namespace espalier {
namespace {

constexpr std::int64_t kWholeProduct = 1 << 17;  // multiply-adds worth no other worker's wake-up
constexpr std::int64_t kTaskProduct = 1 << 19;   // about 10 µs
constexpr std::int64_t kPieceColumns = 256;      // of B packed at a time: 256 KiB, a part of L2
constexpr std::int64_t kWantedPieces = 16;

std::int64_t RoundUp(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// How a product is cut into tasks, by its size alone.
struct Partition {
  std::int64_t row_pieces;
  std::int64_t column_pieces;
};

Partition MakePartition(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t columns) {
  const std::int64_t tasks =
      std::clamp<std::int64_t>(m * n / std::max<std::int64_t>(1, kTaskProduct / (k + 1)), 1, 256);
  const std::int64_t column_pieces = std::min(tasks, (n + columns - 1) / columns);
  const std::int64_t row_pieces =
      std::clamp<std::int64_t>(tasks / column_pieces, 1, (m + kBlockRows - 1) / kBlockRows);
  return {row_pieces, column_pieces};
}

MatrixRef Block(const MatrixRef& matrix, std::int64_t row, std::int64_t rows, std::int64_t column,
                std::int64_t columns) {
  return {matrix.data + row * matrix.row_stride + column * matrix.column_stride, rows, columns,
          matrix.row_stride, matrix.column_stride};
}

Epilogue Shifted(Epilogue epilogue, std::int64_t row, std::int64_t column) {
  if (epilogue.row_bias != nullptr) epilogue.row_bias += row;
  if (epilogue.column_bias != nullptr) epilogue.column_bias += column;
  return epilogue;
}

// Rows of A against packed columns whose K is `a.columns` of it, from `packed_b` on.
struct PanelProduct {
  MatrixRef a;
  const float* packed_b;
  std::int64_t panel_stride;
  std::int64_t n;
  float* c;
  std::int64_t c_stride;
  bool is_first;
  bool is_last;
};

void MultiplyPanels(const PanelProduct& product, const Epilogue& epilogue,
                    std::int64_t tile_columns, std::int64_t lanes) {
  alignas(kAlignmentBytes) float packed[kBlockRows * kBlockDepth];
  const MatrixRef& a = product.a;
  // A last panel that is narrower than the others has shorter rows: a product of its own.
  const std::int64_t full = product.n / tile_columns * tile_columns;
  const std::int64_t last_width = RoundUp(product.n - full, lanes);
  // A single row needs no packing and no blocks.
  const bool is_plain_row = a.rows == 1 && a.column_stride == 1;
  const std::int64_t depth_step = is_plain_row ? std::max<std::int64_t>(a.columns, 1) : kBlockDepth;
  const RowTiles blocks(a.rows, kBlockRows);
  for (std::int64_t block = 0; block < blocks.count; ++block) {
    const std::int64_t row = blocks.Begin(block);
    const std::int64_t rows = blocks.Begin(block + 1) - row;
    std::int64_t k = 0;
    do {  // once even if K is 0: the biases remain
      const std::int64_t depth = std::min(depth_step, a.columns - k);
      const MatrixRef part = Block(a, row, rows, k, depth);
      if (!is_plain_row) PackA(part, packed);
      BlockProduct multiply{.packed_a = is_plain_row ? part.data : packed,
                            .rows = rows,
                            .depth = depth,
                            .packed_b = product.packed_b + k * tile_columns,
                            .panel_stride = product.panel_stride,
                            .columns = full,
                            .c = product.c + row * product.c_stride,
                            .c_stride = product.c_stride,
                            .epilogue = nullptr,
                            .is_first = product.is_first && k == 0,
                            .is_last = product.is_last && k + depth == a.columns};
      Epilogue shifted = Shifted(epilogue, row, 0);
      multiply.epilogue = &shifted;
      if (full > 0) MultiplyBlock(multiply);
      if (last_width > 0) {
        multiply.packed_b =
            product.packed_b + full / tile_columns * product.panel_stride + k * last_width;
        multiply.columns = product.n - full;
        multiply.c += full;
        shifted = Shifted(epilogue, row, full);
        MultiplyBlock(multiply);
      }
      k += depth;
    } while (k < a.columns);
  }
}

}  // namespace

std::int64_t PackedFloats(std::int64_t k, std::int64_t n) {
  return k * RoundUp(n, ActiveTileShape().lanes);
}

void MatmulPacked(const MatrixRef& a, const float* packed_b, std::int64_t n, float* c,
                  std::int64_t c_stride, const Epilogue& epilogue) {
  if (a.rows <= 0 || n <= 0) return;
  const TileShape tile = ActiveTileShape();
  MultiplyPanels({a, packed_b, a.columns * tile.columns, n, c, c_stride, true, true}, epilogue,
                 tile.columns, tile.lanes);
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
        MatmulPacked(Block(a, row, rows, 0, k), packed_b + column * k, end - column,
                     c + row * c_stride + column, c_stride, Shifted(epilogue, row, column));
      });
}

std::int64_t ParallelMatmulScratchFloats(std::int64_t k, std::int64_t n) {
  return std::min(k, kBlockDepth) * std::min(kPieceColumns, RoundUp(n, ActiveTileShape().lanes));
}

void ParallelMatmul(const MatrixRef& a, const MatrixRef& b, float* c, std::int64_t c_stride,
                    const Epilogue& epilogue, Workspace& workspace) {
  const std::int64_t m = a.rows;
  const std::int64_t n = b.columns;
  const std::int64_t k = a.columns;
  if (m <= 0 || n <= 0) return;
  const TileShape tile = ActiveTileShape();
  // Pieces of equal width in whole panels, each packed by every task that needs it.
  const std::int64_t panels = (n + tile.columns - 1) / tile.columns;
  const std::int64_t column_pieces = (n + kPieceColumns - 1) / kPieceColumns;
  // Rows are split only where columns give too few tasks.
  const std::int64_t row_pieces = std::clamp<std::int64_t>(
      std::min(MakePartition(m, n, k, kPieceColumns).row_pieces, kWantedPieces / column_pieces), 1,
      (m + kPieceColumns - 1) / kPieceColumns);
  const auto multiply_piece = [&](std::int64_t piece, float* scratch) {
    const std::int64_t r = piece % row_pieces;
    const std::int64_t j = piece / row_pieces;
    const std::int64_t row = m * r / row_pieces;
    const std::int64_t rows = m * (r + 1) / row_pieces - row;
    const std::int64_t column = panels * j / column_pieces * tile.columns;
    const std::int64_t end = std::min(n, panels * (j + 1) / column_pieces * tile.columns);
    const Epilogue shifted = Shifted(epilogue, row, column);
    std::int64_t k0 = 0;
    do {
      const std::int64_t depth = std::min(kBlockDepth, k - k0);
      PackB(Block(b, k0, depth, column, end - column), scratch);
      MultiplyPanels({Block(a, row, rows, k0, depth), scratch, depth * tile.columns, end - column,
                      c + row * c_stride + column, c_stride, k0 == 0, k0 + depth == k},
                     shifted, tile.columns, tile.lanes);
      k0 += depth;
    } while (k0 < k);
  };
  const std::int64_t pieces = row_pieces * column_pieces;
  if (m * n * k <= kWholeProduct) {
    workspace.ParallelFor(1, [&](std::int64_t, std::span<float> scratch) {
      for (std::int64_t piece = 0; piece < pieces; ++piece) multiply_piece(piece, scratch.data());
    });
  } else {
    workspace.ParallelFor(pieces, [&](std::int64_t piece, std::span<float> scratch) {
      multiply_piece(piece, scratch.data());
    });
  }
}

}  // namespace espalier
