// SPDX-License-Identifier: Apache-2.0
#pragma once

// Products with a B kept in bfloat16, half the bytes of float: small batches are bound by
// the reading of weights. Every sum is in float, one chain of multiply-adds over k as in
// matmul.h, so a row's bits do not depend on the batch either.

#include <cstdint>

#include "kernels/matmul/matmul.h"

namespace espalier {

/// The upper half of the float of 8 significant bits nearest to `value` (ties to even):
/// relative error 2⁻⁸ at most among normal numbers. Infinite and NaN stay so.
std::uint16_t ToBf16(float value);

/// Words of 4 bytes that PackBf16 writes for a B of K × N on the active target.
std::int64_t PackedBf16Words(std::int64_t k, std::int64_t n);

/// Rounds B [K, N] and rearranges it into column panels for the active target.
void PackBf16(const MatrixRef& b, std::uint32_t* packed);

/// The same for rows [first_k, first_k + b.rows) of a B with `packed_depth` rows.
void PackBf16Rows(const MatrixRef& b, std::int64_t packed_depth, std::int64_t first_k,
                  std::uint32_t* packed);

/// c[i * c_stride + j] for the rows of `a`, each contiguous, shared among the workspace's
/// workers; needs no scratch.
void ParallelMatmulBf16(const MatrixRef& a, const std::uint32_t* packed_b, std::int64_t n, float* c,
                        std::int64_t c_stride, const Epilogue& epilogue, Workspace& workspace,
                        PanelOrder order = PanelOrder::kForward);

}  // namespace espalier
