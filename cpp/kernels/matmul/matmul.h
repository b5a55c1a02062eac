// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one seam for matrix products: C = A·B (+ bias) (+ residual) (then activation).
//
// Bits: each C[i][j] is summed over K in an order that depends on K and the instruction
// set alone, so a row's result is the same for any M, at any row, on any thread count.

#include <cstdint>

#include "core/thread_pool.h"
#include "kernels/elementwise/activation.h"

namespace espalier {

/// A borrowed matrix with any strides, in floats: plain, transposed or a slice.
struct MatrixRef {
  const float* data;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t row_stride;
  std::int64_t column_stride;

  static MatrixRef RowMajor(const float* data, std::int64_t rows, std::int64_t columns) {
    return {data, rows, columns, columns, 1};
  }
  MatrixRef Transposed() const { return {data, columns, rows, column_stride, row_stride}; }
};

/// What happens to the sums before they are stored.
struct Epilogue {
  const float* column_bias = nullptr;  ///< [N], or null
  const float* row_bias = nullptr;     ///< [M], or null
  const float* residual = nullptr;     ///< [M, N], which the sums begin with, or null
  std::int64_t residual_stride = 0;    ///< floats from row to row
  Activation activation = Activation::kNone;
  float slope = 0.01f;      ///< leaky relu
  bool accumulate = false;  ///< C += A·B; no activation and no residual then
};

/// In what order a product of few rows reads packed B (others read it forwards); the bits are the
/// same. Callers that take turns find in the cache what the last call read last, where reading
/// again from the start drives out just what comes next: docs/decisions/0003.
enum class PanelOrder { kForward, kBackward };
inline PanelOrder Opposite(PanelOrder order) {
  return order == PanelOrder::kForward ? PanelOrder::kBackward : PanelOrder::kForward;
}

/// Floats that PackB writes for a B of K × N on the active target.
std::int64_t PackedFloats(std::int64_t k, std::int64_t n);

/// Rearranges B [K, N] into column panels for the active target.
void PackB(const MatrixRef& b, float* packed);

/// A row times a matrix, as in a prediction for one example.
struct RowProduct {
  const float* a;  ///< [k]
  std::int64_t k;
  const float* packed_b;  ///< from PackB
  std::int64_t n;         ///< at least 1
  float* c;               ///< [n]
  PanelOrder order;
};

/// MatmulPacked of one row that does not accumulate: the same chains of multiply-adds as for a row
/// among others, but without cutting a matrix into blocks, which takes as long as a small product.
void MultiplyRow(const RowProduct& product, const Epilogue& epilogue);

/// c[i * c_stride + j] for the rows of `a`, on the calling thread. `scratch`:
/// MatmulPackedScratchFloats; may be null if that is 0.
void MatmulPacked(const MatrixRef& a, const float* packed_b, std::int64_t n, float* c,
                  std::int64_t c_stride, const Epilogue& epilogue, float* scratch,
                  PanelOrder order = PanelOrder::kForward);

/// By the sizes and strides of `a`, no fewer for more rows: most matrices are read where they lie
/// and need none.
std::int64_t MatmulPackedScratchFloats(const MatrixRef& a);

/// As MatmulPacked, its tiles shared among the workspace's workers, with as much scratch each.
void ParallelMatmulPacked(const MatrixRef& a, const float* packed_b, std::int64_t n, float* c,
                          std::int64_t c_stride, const Epilogue& epilogue, Workspace& workspace,
                          PanelOrder order = PanelOrder::kForward);

/// Packs B piece by piece in the workers' scratch (ParallelMatmulScratchFloats) and
/// multiplies. For products whose B is used once: both backward products.
void ParallelMatmul(const MatrixRef& a, const MatrixRef& b, float* c, std::int64_t c_stride,
                    const Epilogue& epilogue, Workspace& workspace);
std::int64_t ParallelMatmulScratchFloats(std::int64_t k, std::int64_t n);

}  // namespace espalier
