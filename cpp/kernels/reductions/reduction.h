// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums and checks over whole arrays, as a training step needs them. The order of each sum
// depends on the sizes and the instruction set alone.

#include <cstdint>

namespace espalier {

/// Sum of x[i]², in double. Not finite exactly if some x[i] is not.
double SumOfSquares(const float* x, std::int64_t count);

/// Sum of x[i]·y[i], in double.
double DotProduct(const float* x, const float* y, std::int64_t count);

/// Sum of min(max(x[i], -limit), limit)², in double; x finite.
double ClampedSumOfSquares(const float* x, std::int64_t count, float limit);

/// True if no x[i] is NaN or infinite.
bool AllFinite(const float* x, std::int64_t count);

/// sums[j] = sum over rows of x[row * stride + j], from the first row to the last.
void ColumnSums(const float* x, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                float* sums);

}  // namespace espalier
