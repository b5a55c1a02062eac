// SPDX-License-Identifier: Apache-2.0
#pragma once

// The pieces of which matrix products and convolutions are made: both operands packed,
// one block of the sum over K at a time. Internal to kernels/.
//
// Each C[i][j] is one chain of multiply-adds in the order of k. A chain that stops at the
// end of a block goes on from C with the same bits, so neither the blocks of K nor the
// tiles of M and N show in the result.

#include <algorithm>
#include <cstdint>

#include "kernels/matmul.h"

namespace espalier {

/// The register tile of the active target.
struct TileShape {
  std::int64_t rows;     ///< most rows of A in one tile
  std::int64_t columns;  ///< columns of a full panel of B
  std::int64_t lanes;    ///< floats of a vector; the last panel is a multiple of it wide
};
TileShape ActiveTileShape();

/// Most k in one block: a tile's rows of A (14 · 256 floats) then stay in L1 (32 KiB) beside
/// the panel of B that streams through. A panel of B keeps its own stride, so any other
/// value gives the same bits.
inline constexpr std::int64_t kBlockDepth = 256;

/// Most rows of A that MatmulPacked packs at a time, on its stack (48 KiB with kBlockDepth).
inline constexpr std::int64_t kBlockRows = 48;

/// Splits `rows` into the fewest tiles of nearly equal height, so that no tile is left
/// with one row. Tile t covers [Begin(t), Begin(t + 1)).
struct RowTiles {
  RowTiles(std::int64_t rows_in, std::int64_t most)
      : count((rows_in + most - 1) / most), rows(rows_in) {}
  std::int64_t Begin(std::int64_t tile) const { return rows * tile / count; }
  std::int64_t Most() const { return (rows + count - 1) / count; }

  std::int64_t count;
  std::int64_t rows;
};

/// Packs A (at most kBlockDepth columns) tile by tile, each [k][rows of the tile]; writes
/// a.rows * a.columns floats.
void PackA(const MatrixRef& a, float* packed);

/// to[j * to_stride + i] = from[i * from_stride + j] for i < rows, j < columns.
void Transpose(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns,
               float* to, std::int64_t to_stride);

struct BlockProduct {
  const float* packed_a;  ///< from PackA
  std::int64_t rows;
  std::int64_t depth;         ///< columns of A, rows of B
  const float* packed_b;      ///< first panel, at the first of these k
  std::int64_t panel_stride;  ///< floats from panel to panel: (all packed k) * tile columns
  std::int64_t columns;
  float* c;
  std::int64_t c_stride;
  const Epilogue* epilogue;  ///< its biases and residual belong to c's first row and column
  bool is_first;             ///< starts from the biases and the residual (or C if accumulating)
  bool is_last;              ///< activates
};

/// C (+)= A·B for one block of K, on the calling thread.
void MultiplyBlock(const BlockProduct& product);

/// What a product is to the register tiles: A and B as they lie, packed or not.
struct TiledProduct {
  const float* a;
  std::int64_t a_row_stride;  ///< floats from row to row; 1 for MultiplyAdjacentRows
  std::int64_t a_k_stride;    ///< floats from k to k; 1 for MultiplyStridedRows; 0: from PackA
  std::int64_t rows;
  std::int64_t segments;        ///< 1 for MultiplyAdjacentRows
  std::int64_t segment_stride;  ///< as in StridedProduct
  std::int64_t depth;           ///< k of one segment
  const float* b;
  std::int64_t b_stride;      ///< floats from k to k where B is not packed, whose columns are
                              ///< then a multiple of the lanes; else 0
  std::int64_t packed_depth;  ///< as in StridedProduct
  std::int64_t first_k;       ///< as in StridedProduct
  std::int64_t columns;
  float* c;
  std::int64_t c_stride;
  const Epilogue* epilogue;
  bool is_first;
  bool is_last;
};

/// Rows of A that lie side by side, as PackA writes them or in a transposed matrix.
void MultiplyAdjacentRows(const TiledProduct& product);

/// Rows of A at any stride, each contiguous in k.
void MultiplyStridedRows(const TiledProduct& product);

}  // namespace espalier
