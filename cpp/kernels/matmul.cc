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

// A in place: a block of its rows (384 KiB) stays in L2 beside a panel of B.
constexpr std::int64_t kInPlaceFloats = 96 << 10;
constexpr std::int64_t kInPlaceDepth = 2048;
constexpr std::int64_t kFewRows = 32;  // so few do not push each other out of L1 and L2 for long
constexpr std::int64_t kWayFloats = 1024;  // of a way of L1

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

// Rows of A against packed columns, or columns where they lie.
struct PanelProduct {
  MatrixRef a;
  const float* b;
  std::int64_t b_stride;  // 0: packed, with a.columns rows
  std::int64_t n;
  float* c;
  std::int64_t c_stride;
  bool is_first;
  bool is_last;
};

TiledProduct Tiled(const PanelProduct& product, const Epilogue& epilogue) {
  return {.a = product.a.data,
          .a_row_stride = product.a.row_stride,
          .a_k_stride = product.a.column_stride,
          .rows = product.a.rows,
          .segments = 1,
          .segment_stride = 0,
          .depth = product.a.columns,
          .b = product.b,
          .b_stride = product.b_stride,
          .packed_depth = product.a.columns,
          .first_k = 0,
          .columns = product.n,
          .c = product.c,
          .c_stride = product.c_stride,
          .epilogue = &epilogue,
          .is_first = product.is_first,
          .is_last = product.is_last};
}

// True if vectors so many floats apart fall into one set of an L1 cache (4 KiB a way).
bool SharesCacheSet(std::int64_t stride) { return stride % kWayFloats == 0; }

using MultiplyFunction = void (*)(const TiledProduct&);

// Cuts A into blocks and multiplies each. `place` may copy the block and tell where.
template <typename Place>
void MultiplyBlocks(const PanelProduct& product, const Epilogue& epilogue, std::int64_t block_rows,
                    std::int64_t block_depth, MultiplyFunction multiply, const Place& place) {
  const MatrixRef& a = product.a;
  const RowTiles blocks(a.rows, block_rows);
  TiledProduct tiled = Tiled(product, epilogue);
  for (std::int64_t block = 0; block < blocks.count; ++block) {
    const std::int64_t row = blocks.Begin(block);
    const Epilogue shifted = Shifted(epilogue, row, 0);
    tiled.rows = blocks.Begin(block + 1) - row;
    tiled.c = product.c + row * product.c_stride;
    tiled.epilogue = &shifted;
    std::int64_t k = 0;
    do {  // once even if K is 0: the biases remain
      const MatrixRef part = Block(a, row, tiled.rows, k, std::min(block_depth, a.columns - k));
      tiled.a = part.data;
      tiled.depth = part.columns;
      if (product.b_stride == 0) {
        tiled.first_k = k;
      } else {
        tiled.b = product.b + k * product.b_stride;
      }
      tiled.is_first = product.is_first && k == 0;
      tiled.is_last = product.is_last && k + part.columns == a.columns;
      place(part, tiled);
      multiply(tiled);
      k += part.columns;
    } while (k < a.columns);
  }
}

// Reads A where it lies if its rows or its columns are contiguous: copying it would cost
// more than it gives, except where its lines would push each other out of L1.
void MultiplyPanels(const PanelProduct& product, const Epilogue& epilogue) {
  const MatrixRef& a = product.a;
  const auto in_place = [](const MatrixRef&, TiledProduct&) {};
  if (a.column_stride == 1 && (a.rows <= kFewRows || !SharesCacheSet(a.row_stride))) {
    const std::int64_t depth = std::clamp<std::int64_t>(a.columns, 1, kInPlaceDepth);
    const std::int64_t rows =
        std::max(kBlockRows, kInPlaceFloats / depth / kBlockRows * kBlockRows);
    MultiplyBlocks(product, epilogue, rows, kInPlaceDepth, MultiplyStridedRows, in_place);
    return;
  }
  if (a.row_stride == 1 && (a.columns <= kFewRows || !SharesCacheSet(a.column_stride))) {
    MultiplyBlocks(product, epilogue, kBlockRows, kBlockDepth, MultiplyAdjacentRows, in_place);
    return;
  }
  alignas(kAlignmentBytes) float packed[kBlockRows * kBlockDepth];
  MultiplyBlocks(product, epilogue, kBlockRows, kBlockDepth, MultiplyAdjacentRows,
                 [&packed](const MatrixRef& part, TiledProduct& tiled) {
                   PackA(part, packed);
                   tiled.a = packed;
                   tiled.a_k_stride = 0;
                 });
}

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
      MultiplyPanels({Block(a, row, rows, k0, depth), scratch, 0, end - column,
                      c + row * c_stride + column, c_stride, k0 == 0, k0 + depth == k},
                     shifted);
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
