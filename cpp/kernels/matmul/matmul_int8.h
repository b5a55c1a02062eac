// SPDX-License-Identifier: Apache-2.0
#pragma once

// Products in whole numbers: weights of 8 bits, a scale for each column; rows of activations of 7
// bits, a scale and a zero for each row, found as the product is made.
//
//   weight[k][j] ≈ column_scale[j]·w[k][j],          w in -127 … 127
//   a[i][k]      ≈ row_scale[i]·(q[i][k] - zero[i]), q in 0 … 127
//   c[i][j] = ((Σₖ (q[i][k] - zero[i])·w[k][j]) · row_scale[i]) · column_scale[j] + bias[j]
//             (+ residual[i][j]), then the activation
//
// The sum is exact: 2·127·128 < 2¹⁵ and 127·128·kMostInt8Depth < 2³¹, so no step on any
// instruction set overflows or saturates. It becomes a float, then comes one multiplication after
// the other and one addition after the other, each rounded to nearest, ties to even. So the same
// numbers have the same bits on every instruction set, for any batch and any number of threads, up
// to an activation that is more than a choice or a limit; it has the bits of ActivationForward.
//
// The range of a row goes from its least to its greatest value, 0 included: row_scale = (greatest
// - least) / 127, zero = -least / row_scale rounded, so 0 stays 0, and an error is at most
// row_scale / 2, or one row_scale where zero was rounded against it. Of a column it is symmetric:
// column_scale = max |weight| / 127. A row or column whose magnitudes are all below 2⁻⁵⁶ counts as
// 0. A row that holds NaN or infinity makes all of its results NaN, such a column all of its own.

#include <cstdint>
#include <string_view>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "kernels/matmul/matmul.h"

namespace espalier {

/// Terms of a sum for which int32 suffices.
inline constexpr std::int64_t kMostInt8Depth = 132'000;

/// Why a product of rows of K and weights [K, N] is left to floats, for people: "few", where
/// finding ranges and scaling take more than the sums save; empty: it is not. By the sizes alone.
std::string_view Int8KeepsFloat(std::int64_t k, std::int64_t n);

/// Weights [K, N], packed for the active target.
struct Int8Weights {
  std::int64_t k = 0;
  std::int64_t n = 0;
  AlignedArray<std::int8_t> packed;
  AlignedArray<float> scales;       // of columns
  AlignedArray<std::int32_t> sums;  // of columns, over k

  std::int64_t bytes() const { return packed.bytes() + scales.bytes() + sums.bytes(); }
};

/// Throws Error: INVALID_ARGUMENT for more than kMostInt8Depth rows.
Int8Weights QuantizeWeights(const MatrixRef& b);

/// c[i * c_stride + j] for the rows of `a`, each contiguous, on the calling thread, with
/// Int8ScratchFloats of scratch. Of the epilogue column bias, residual and activation.
void MatmulInt8(const MatrixRef& a, const Int8Weights& weights, float* c, std::int64_t c_stride,
                const Epilogue& epilogue, float* scratch);

/// The same, shared among the workspace's workers, each with as much scratch.
void ParallelMatmulInt8(const MatrixRef& a, const Int8Weights& weights, float* c,
                        std::int64_t c_stride, const Epilogue& epilogue, Workspace& workspace);

/// No fewer for more rows.
std::int64_t Int8ScratchFloats(std::int64_t rows, std::int64_t k);

/// A row as a product reads it.
struct Int8Row {
  float scale;
  std::int32_t zero;
};

/// q[i] for the `k` values of a row, as above, on the active target.
Int8Row QuantizeRow(const float* row, std::int64_t k, std::uint8_t* q);

}  // namespace espalier
