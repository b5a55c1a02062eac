// SPDX-License-Identifier: Apache-2.0
#pragma once

// The forward product of a dense layer in training, where the weights change between calls,
// so that one operand has to be transposed each time: the smaller one.

#include <cstdint>

#include "core/thread_pool.h"
#include "kernels/matmul.h"

namespace espalier {

/// y = activation(x · weightsᵀ + column_bias): x [rows, depth], weights [columns, depth],
/// y [rows, columns]. No row bias, nothing accumulated. The bits are ParallelMatmul's, and so is
/// the scratch it needs: ParallelMatmulScratchFloats(depth, columns).
void ParallelLayerProduct(const float* x, const float* weights, const Epilogue& epilogue,
                          std::int64_t rows, std::int64_t columns, std::int64_t depth, float* y,
                          Workspace& workspace);

}  // namespace espalier
