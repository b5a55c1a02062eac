// SPDX-License-Identifier: Apache-2.0
#pragma once

// The pieces of which matrix products and convolutions are made: one block of the sum over
// K at a time. Internal to kernels/.
//
// Each C[i][j] is one chain of multiply-adds in the order of k. A chain that stops at the
// end of a block goes on from C with the same bits, so neither the blocks of K nor the
// tiles of M and N show in the result.

#include <algorithm>
#include <cstdint>

#include "kernels/matmul/matmul.h"

namespace espalier {

/// The register tile of the active target.
struct TileShape {
  std::int64_t rows;     ///< most rows of A in one tile
  std::int64_t columns;  ///< columns of a full panel of B
  std::int64_t lanes;    ///< floats of a vector; the last panel is a multiple of it wide
};
TileShape ActiveTileShape();

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

/// Splits `columns` into `parts` of whole panels, as equal as these allow. Part p, of at most as
/// many as there are panels, covers [Begin(p), Begin(p + 1)).
struct ColumnParts {
  ColumnParts(std::int64_t columns_in, std::int64_t panel_in, std::int64_t parts_in)
      : columns(columns_in),
        panel(panel_in),
        panels((columns_in + panel_in - 1) / panel_in),
        parts(parts_in) {}
  std::int64_t Begin(std::int64_t part) const {
    return std::min(columns, panels * part / parts * panel);
  }

  std::int64_t columns;
  std::int64_t panel;
  std::int64_t panels;
  std::int64_t parts;
};

/// to[j * to_stride + i] = from[i * from_stride + j] for i < rows, j < columns.
void Transpose(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns,
               float* to, std::int64_t to_stride);

/// What a product is to the register tiles: A and B as they lie, packed or not.
struct TiledProduct {
  const float* a;
  std::int64_t a_row_stride;  ///< floats from row to row; 1 for MultiplyAdjacentRows
  std::int64_t a_k_stride;    ///< floats from k to k; 1 for MultiplyStridedRows
  std::int64_t rows;
  std::int64_t segments;        ///< 1 for MultiplyAdjacentRows
  std::int64_t segment_stride;  ///< as in StridedProduct
  std::int64_t depth;           ///< k of one segment
  const float* b;
  std::int64_t b_stride;          ///< floats from k to k where B is not packed, whose columns are
                                  ///< then a multiple of the lanes; else 0
  std::int64_t packed_depth;      ///< as in StridedProduct
  std::int64_t first_k;           ///< as in StridedProduct
  const float* next_b = nullptr;  ///< as in StridedProduct
  std::int64_t columns;
  float* c;
  std::int64_t c_stride;
  const Epilogue* epilogue;
  bool is_first;
  bool is_last;
  PanelOrder order = PanelOrder::kForward;
  /// Where B is not packed: room for a panel of it, of which the first rows' tile leaves a copy for
  /// the others; or null, and all read it where it lies.
  float* panel_copy = nullptr;
};

/// Rows of A that lie side by side, as in a transposed matrix.
void MultiplyAdjacentRows(const TiledProduct& product);

/// Rows of A at any stride, each contiguous in k.
void MultiplyStridedRows(const TiledProduct& product);

/// The same for a B from PackBf16, whose words `b` points to as if they were floats.
void MultiplyBf16Rows(const TiledProduct& product);

}  // namespace espalier
