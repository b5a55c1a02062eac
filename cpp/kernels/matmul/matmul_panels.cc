// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/matmul_panels.h"

#include <algorithm>
#include <cstring>

namespace espalier {
namespace {

constexpr std::int64_t kTaskProduct = 1 << 19;  // multiply-adds: about 10 µs

// A in place: a block of its rows (384 KiB) stays in L2 beside a panel of B.
constexpr std::int64_t kInPlaceFloats = 96 << 10;
constexpr std::int64_t kInPlaceDepth = 2048;
// A copied: up to 114 KiB. Deep, so that C is seldom read and written again.
constexpr std::int64_t kCopyDepth = 1024;
constexpr std::int64_t kCopyRows = 28;
// So few lines in one cache set cost less than a copy.
constexpr std::int64_t kFewLines = 32;

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
          .is_last = product.is_last,
          .order = product.order,
          .panel_copy = product.panel_copy};
}

// to[r * to_stride + i] = from[r][i].
void CopyRows(const MatrixRef& from, std::int64_t to_stride, float* to) {
  for (std::int64_t r = 0; r < from.rows; ++r, to += to_stride) {
    const float* row = from.data + r * from.row_stride;
    if (from.column_stride == 1) {
      std::memcpy(to, row, static_cast<std::size_t>(from.columns) * sizeof(float));
    } else {
      for (std::int64_t i = 0; i < from.columns; ++i) to[i] = row[i * from.column_stride];
    }
  }
}

// From row to row of a copy: an odd number of cache lines, so that rows don't share cache sets.
std::int64_t CopyStride(std::int64_t k) { return RoundUp(std::min(k, kCopyDepth), 32) + 16; }

// Rows of A in a block of it whose rows, not columns, are contiguous, copied or not.
std::int64_t AdjacentBlockRows(std::int64_t k) {
  return std::min(kBlockRows, kCopyRows * kCopyDepth / std::clamp<std::int64_t>(k, 1, kCopyDepth));
}

enum class Placing {
  kInPlace,
  kInPlaceTransposed,
  kCopied,
  kCopiedTransposed,
};

Placing ChoosePlacing(const MatrixRef& a) {
  if (a.column_stride == 1 && (a.rows <= kFewLines || !SharesCacheSet(a.row_stride))) {
    return Placing::kInPlace;
  }
  if (a.row_stride == 1) {
    const bool is_even = a.columns <= kFewLines || !SharesCacheSet(a.column_stride);
    return is_even ? Placing::kInPlaceTransposed : Placing::kCopiedTransposed;
  }
  return Placing::kCopied;
}

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
      const MatrixRef part = BlockOf(a, row, tiled.rows, k, std::min(block_depth, a.columns - k));
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

}  // namespace

std::int64_t BlockCopyFloats(const MatrixRef& a) {
  const std::int64_t depth = std::min(a.columns, kCopyDepth);
  switch (ChoosePlacing(a)) {
    case Placing::kInPlace:
    case Placing::kInPlaceTransposed:
      return 0;
    case Placing::kCopied:
      return std::min(a.rows, kCopyRows) * CopyStride(depth);
    case Placing::kCopiedTransposed:
      return std::min(a.rows, AdjacentBlockRows(depth)) * depth;
  }
  return 0;
}

std::int64_t MostBlockCopyFloats(std::int64_t k) {
  const std::int64_t depth = std::min(k, kCopyDepth);
  constexpr std::int64_t kLine = 16;
  return RoundUp(std::max(kCopyRows * CopyStride(depth), AdjacentBlockRows(depth) * depth), kLine);
}

void MultiplyPanels(const PanelProduct& product, const Epilogue& epilogue) {
  const auto in_place = [](const MatrixRef&, TiledProduct&) {};
  const std::int64_t k = std::max<std::int64_t>(product.a.columns, 1);
  float* const copy = product.block_copy;
  switch (ChoosePlacing(product.a)) {
    case Placing::kInPlace:
      MultiplyBlocks(product, epilogue, kInPlaceFloats / std::min(k, kInPlaceDepth), kInPlaceDepth,
                     MultiplyStridedRows, in_place);
      return;
    case Placing::kInPlaceTransposed:
      MultiplyBlocks(product, epilogue, AdjacentBlockRows(k), kCopyDepth, MultiplyAdjacentRows,
                     in_place);
      return;
    case Placing::kCopiedTransposed:
      MultiplyBlocks(product, epilogue, AdjacentBlockRows(k), kCopyDepth, MultiplyAdjacentRows,
                     [copy](const MatrixRef& part, TiledProduct& tiled) {
                       tiled.a = copy;
                       tiled.a_k_stride = part.rows;
                       CopyRows(part.Transposed(), tiled.a_k_stride, copy);
                     });
      return;
    case Placing::kCopied:
      MultiplyBlocks(product, epilogue, kCopyRows, kCopyDepth, MultiplyStridedRows,
                     [copy, stride = CopyStride(k)](const MatrixRef& part, TiledProduct& tiled) {
                       tiled.a = copy;
                       tiled.a_row_stride = stride;
                       CopyRows(part, stride, copy);
                     });
      return;
  }
}

std::int64_t PanelCopyFloats(std::int64_t k) {
  return std::min(k, kInPlaceDepth) * ActiveTileShape().columns;
}

Partition MakePartition(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t columns) {
  const std::int64_t tasks =
      std::clamp<std::int64_t>(m * n / std::max<std::int64_t>(1, kTaskProduct / (k + 1)), 1, 256);
  const std::int64_t column_pieces = std::min(tasks, (n + columns - 1) / columns);
  const std::int64_t row_pieces =
      std::clamp<std::int64_t>(tasks / column_pieces, 1, (m + kBlockRows - 1) / kBlockRows);
  return {row_pieces, column_pieces};
}

MatrixRef BlockOf(const MatrixRef& matrix, std::int64_t row, std::int64_t rows, std::int64_t column,
                  std::int64_t columns) {
  return {matrix.data + row * matrix.row_stride + column * matrix.column_stride, rows, columns,
          matrix.row_stride, matrix.column_stride};
}

Epilogue Shifted(Epilogue epilogue, std::int64_t row, std::int64_t column) {
  if (epilogue.row_bias != nullptr) epilogue.row_bias += row;
  if (epilogue.column_bias != nullptr) epilogue.column_bias += column;
  if (epilogue.residual != nullptr) {
    epilogue.residual += row * epilogue.residual_stride + column;
  }
  return epilogue;
}

}  // namespace espalier
