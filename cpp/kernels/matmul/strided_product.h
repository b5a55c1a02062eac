// SPDX-License-Identifier: Apache-2.0
#pragma once

// Products that read A where it lies, in pieces: sums over windows of channels-last images,
// and matrices whose packing would cost more than it gives. Internal to kernels/.
//
// As in matmul_block.h, each C[i][j] is one chain of multiply-adds in the order of k.

#include <cstdint>

#include "kernels/matmul/matmul.h"

namespace espalier {

/// C[i][j] (+)= sum over s, k of A[i][s][k] · B[first_k + s · segment_depth + k][j], with
/// A[i][s][k] = a[i · row_stride + s · segment_stride + k].
struct StridedProduct {
  const float* a;
  std::int64_t row_stride;  ///< floats from row to row of A, 0 or more; they may overlap
  std::int64_t segments;
  std::int64_t segment_stride;  ///< floats from segment to segment, may be negative
  std::int64_t segment_depth;
  std::int64_t rows;
  const float* packed_b;          ///< from PackB, at a panel's start
  std::int64_t packed_depth;      ///< rows of that B
  std::int64_t first_k;           ///< the row of it that belongs to the first k here
  const float* next_b = nullptr;  ///< panels that the caller needs next: fetched meanwhile
  std::int64_t columns;
  float* c;
  std::int64_t c_stride;
  const Epilogue* epilogue;  ///< its biases and residual belong to c's first row and column
  bool is_first;             ///< starts from the biases and the residual (or C if accumulating)
  bool is_last;              ///< activates
  bool is_bf16 = false;      ///< `packed_b` is from PackBf16, its words taken for floats
};

/// On the calling thread. Rows that fall into few cache sets (a stride of a multiple of
/// 2 KiB) are slow to read: copy them where they are used often.
void MultiplyStrided(const StridedProduct& product);

}  // namespace espalier
