// SPDX-License-Identifier: Apache-2.0

// Products whose B is used once: in each form, what costs least to rearrange is.

#include <algorithm>

#include "kernels/matmul/matmul.h"
#include "kernels/matmul/matmul_block.h"
#include "kernels/matmul/matmul_panels.h"

namespace espalier {
namespace {

// Of B packed at a time: at most 1 MiB, which L2 holds by and large. Deep, so that C is
// seldom read and written again; wide where K is small, so that A is seldom copied again.
constexpr std::int64_t kPieceDepth = 1024;
constexpr std::int64_t kLeastPieceColumns = 256;
constexpr std::int64_t kLeastPieceRows = 64;
constexpr std::int64_t kMostPieceColumns = 2048;
constexpr std::int64_t kWidePieceFloats = 64 << 10;
constexpr std::int64_t kWantedPieces = 16;
constexpr std::int64_t kSwappedColumns = 64;  // of the transposed C at a time
constexpr std::int64_t kLeastSwapped = 9;     // rows of A that fill enough lanes
// Multiply-adds worth another worker: its operands were just written, often by another core, whose
// cache has to send them.
constexpr std::int64_t kLeastShared = 1 << 22;
constexpr std::int64_t kDirectRows = 256;  // of A: up to here a copy of B costs more than it gives
// Each row of B may miss L1 and its page tables; a tile of so many rows takes long enough to
// hide it, and so few rows of B stay in L2 even if they share cache sets.
constexpr std::int64_t kHidingRows = 12;
constexpr std::int64_t kFewRows = 512;

// A multiple of any panel's width.
std::int64_t PieceColumns(std::int64_t k) {
  const std::int64_t fit = kWidePieceFloats / std::max<std::int64_t>(k, 1);
  return std::clamp(fit / kLeastPieceColumns * kLeastPieceColumns, kLeastPieceColumns,
                    kMostPieceColumns);
}

// A worker's: for what is copied of A, and, after it, what of B.
struct Scratch {
  float* a;
  float* b;
};

struct Piece {
  MatrixRef a;
  MatrixRef b;
  float* c;
  std::int64_t c_stride;
  Epilogue epilogue;
};

// Packs B, some k at a time.
void MultiplyPacking(const Piece& piece, const Scratch& scratch) {
  const std::int64_t k = piece.a.columns;
  std::int64_t done = 0;
  do {  // once even if K is 0: the biases remain
    const std::int64_t depth = std::min(kPieceDepth, k - done);
    PackB(BlockOf(piece.b, done, depth, 0, piece.b.columns), scratch.b);
    MultiplyPanels({.a = BlockOf(piece.a, 0, piece.a.rows, done, depth),
                    .b = scratch.b,
                    .b_stride = 0,
                    .n = piece.b.columns,
                    .c = piece.c,
                    .c_stride = piece.c_stride,
                    .is_first = done == 0,
                    .is_last = done + depth == k,
                    .block_copy = scratch.a},
                   piece.epilogue);
    done += depth;
  } while (done < k);
}

// Reads B where it lies, but for the columns that fill no vector. The first tile of rows copies
// what it reads for those after it: rows of B far apart would push each other out of L1, and even
// of L2.
void MultiplyInPlace(const Piece& piece, const Scratch& scratch) {
  const std::int64_t n = piece.b.columns;
  const std::int64_t lanes = ActiveTileShape().lanes;
  const std::int64_t full = n / lanes * lanes;
  if (full > 0) {
    MultiplyPanels({.a = piece.a,
                    .b = piece.b.data,
                    .b_stride = piece.b.row_stride,
                    .n = full,
                    .c = piece.c,
                    .c_stride = piece.c_stride,
                    .is_first = true,
                    .is_last = true,
                    .panel_copy = scratch.b,
                    .block_copy = scratch.a},
                   piece.epilogue);
  }
  if (full < n) {
    MultiplyPacking({piece.a, BlockOf(piece.b, 0, piece.b.rows, full, n - full), piece.c + full,
                     piece.c_stride, Shifted(piece.epilogue, 0, full)},
                    scratch);
  }
}

// Cᵀ = Bᵀ·Aᵀ, the same multiply-adds: B, whose columns are contiguous, is read where it
// lies, and A packed instead. For few rows of A.
void MultiplySwapped(const Piece& piece, const Scratch& scratch) {
  const std::int64_t m = piece.a.rows;
  const std::int64_t n = piece.b.columns;
  for (std::int64_t row = 0; row < m; row += kSwappedColumns) {
    const std::int64_t rows = std::min(kSwappedColumns, m - row);
    const Epilogue part = Shifted(piece.epilogue, row, 0);
    Epilogue swapped = part;
    swapped.row_bias = part.column_bias;
    swapped.column_bias = part.row_bias;
    float* transposed = scratch.b;
    MultiplyPacking(
        {piece.b.Transposed(), BlockOf(piece.a, row, rows, 0, piece.a.columns).Transposed(),
         transposed, rows, swapped},
        {scratch.a, scratch.b + n * kSwappedColumns});
    Transpose(transposed, rows, n, rows, piece.c + row * piece.c_stride, piece.c_stride);
  }
}

using MultiplyFunction = void (*)(const Piece&, const Scratch&);

// Whether B is read where it lies, though its rows are apart.
bool ReadsInPlace(const MatrixRef& a, const MatrixRef& b) {
  const TileShape tile = ActiveTileShape();
  if (a.rows <= tile.rows) return true;  // each float once
  if (tile.rows >= kHidingRows && b.rows <= kFewRows) return true;
  return a.rows <= kDirectRows && !SharesCacheSet(b.row_stride);
}

MultiplyFunction ChooseForm(const MatrixRef& a, const MatrixRef& b, const Epilogue& epilogue) {
  if (b.column_stride == 1) return ReadsInPlace(a, b) ? MultiplyInPlace : MultiplyPacking;
  // In more than one pass B would be copied (MultiplyPanels) as often.
  const bool is_cheap = a.rows <= kSwappedColumns || !SharesCacheSet(b.column_stride);
  const bool can_swap = b.row_stride == 1 && a.column_stride == 1 && !epilogue.accumulate &&
                        epilogue.residual == nullptr && is_cheap;
  return can_swap && a.rows >= kLeastSwapped && a.rows < b.columns ? MultiplySwapped
                                                                   : MultiplyPacking;
}

}  // namespace

std::int64_t ParallelMatmulScratchFloats(std::int64_t k, std::int64_t n) {
  const std::int64_t depth = std::min(k, kPieceDepth);
  const std::int64_t columns = std::min(PieceColumns(k), RoundUp(n, ActiveTileShape().lanes));
  const std::int64_t swapped = (columns + depth) * kSwappedColumns;
  return MostBlockCopyFloats(k) + std::max({depth * columns, swapped, PanelCopyFloats(k)});
}

void ParallelMatmul(const MatrixRef& a, const MatrixRef& b, float* c, std::int64_t c_stride,
                    const Epilogue& epilogue, Workspace& workspace) {
  const std::int64_t m = a.rows;
  const std::int64_t n = b.columns;
  const std::int64_t k = a.columns;
  if (m <= 0 || n <= 0) return;
  const MultiplyFunction multiply = ChooseForm(a, b, epilogue);
  // Pieces of equal width in whole panels, each packed by every task that needs it. What a
  // swapped product packs is some rows of A: those it takes one after the other anyway.
  const bool is_shared = workspace.workers() > 1 && m * n * k >= kLeastShared;
  const bool is_swapped = multiply == MultiplySwapped;
  const std::int64_t shared_columns =
      is_swapped && m <= kSwappedColumns ? kLeastPieceColumns / 2 : kLeastPieceColumns;
  const std::int64_t column_pieces = Ceiling(n, is_shared ? shared_columns : PieceColumns(k));
  const ColumnParts columns(n, ActiveTileShape().columns, column_pieces);
  // Rows are split only where columns give too few tasks.
  const std::int64_t row_pieces =
      is_shared
          ? std::clamp<std::int64_t>(std::min(MakePartition(m, n, k, kLeastPieceColumns).row_pieces,
                                              kWantedPieces / column_pieces),
                                     1, Ceiling(m, kLeastPieceRows))
          : 1;
  const std::int64_t copy_floats = MostBlockCopyFloats(k);
  const auto multiply_piece = [&](std::int64_t piece, float* scratch) {
    const std::int64_t r = piece % row_pieces;
    const std::int64_t j = piece / row_pieces;
    const std::int64_t row = m * r / row_pieces;
    const std::int64_t rows = m * (r + 1) / row_pieces - row;
    const std::int64_t column = columns.Begin(j);
    const std::int64_t end = columns.Begin(j + 1);
    multiply({BlockOf(a, row, rows, 0, k), BlockOf(b, 0, k, column, end - column),
              c + row * c_stride + column, c_stride, Shifted(epilogue, row, column)},
             {scratch, scratch + copy_floats});
  };
  const std::int64_t pieces = row_pieces * column_pieces;
  const std::int64_t tasks = is_shared ? pieces : 1;
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t end = pieces * (task + 1) / tasks;
    for (std::int64_t piece = pieces * task / tasks; piece < end; ++piece) {
      multiply_piece(piece, scratch.data());
    }
  });
}

}  // namespace espalier
