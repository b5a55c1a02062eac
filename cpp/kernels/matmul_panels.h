// SPDX-License-Identifier: Apache-2.0
#pragma once

// Matrix products cut into blocks of A. Internal to kernels/.

#include <cstdint>

#include "kernels/matmul.h"
#include "kernels/matmul_block.h"

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
};

/// On the calling thread. Reads A where it lies if its rows or its columns are contiguous:
/// copying it would cost more than it gives, except where its lines would push each other
/// out of L1.
void MultiplyPanels(const PanelProduct& product, const Epilogue& epilogue);

/// True if vectors so many floats apart fall into one set of an L1 cache (4 KiB a way).
inline bool SharesCacheSet(std::int64_t stride) { return stride % 1024 == 0; }

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

inline std::int64_t RoundUp(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace espalier
