// SPDX-License-Identifier: Apache-2.0
#pragma once

// The gradient of a dense layer's weights by pieces that stay in the cache: whoever wants no more
// of it than a sum and an update need not write it to memory and read it again, twice.
//
// Bits: each element is one chain of multiply-adds in the order of the examples, as in every
// product (matmul_block.h).

#include <cstdint>

#include "core/function_ref.h"

namespace espalier {

/// Gᵀ·X: gradients by outputs G [examples, rows], inputs X [examples, columns], both row-major.
struct WeightGradient {
  const float* gradients = nullptr;
  const float* inputs = nullptr;
  std::int64_t examples = 0;  ///< 1 to kMostGradientExamples
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

/// Above, what memory costs is little beside the product.
inline constexpr std::int64_t kMostGradientExamples = 128;

/// Below, weights, gradient and two moments stay in L2 anyway.
inline constexpr std::int64_t kLeastGradientFloats = 1 << 16;

/// A few rows, all columns of them or some.
struct GradientPiece {
  std::int64_t first_row;
  std::int64_t rows;
  std::int64_t first_column;
  std::int64_t columns;
  const float* values;  ///< [rows, columns]
  double squares;       ///< the sum of theirs
};

/// Tasks that make up the gradient; its size alone decides.
std::int64_t WeightGradientTasks(const WeightGradient& gradient);

/// Scratch floats of a task.
std::int64_t WeightGradientScratchFloats();

/// Computes a task's pieces one after the other, on the calling thread.
void ForGradientPieces(const WeightGradient& gradient, std::int64_t task, float* scratch,
                       FunctionRef<void(const GradientPiece&)> consume);

}  // namespace espalier
