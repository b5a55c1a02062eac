// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums, maxima and minima along one axis of an array [outer, size, inner]. The order of each sum
// depends on `size`, on whether `inner` is 1, and on the instruction set alone.

#include <cstdint>

namespace espalier {

enum class Reduction { kSum, kSumOfSquares, kMax, kMin };

/// One [size, inner].
struct ReductionRows {
  std::int64_t size;
  std::int64_t inner;
};

/// y[j] = the reduction over i of x[i · inner + j]. NaN is the maximum and the minimum of all with
/// a NaN among them. Sums go on compensated, or in double, every few elements.
void ReduceRows(Reduction reduction, const ReductionRows& rows, const float* x, float* y);

/// grad_x[i · inner + j] = grad_y[j] · factor.
void SpreadRows(const ReductionRows& rows, float factor, const float* grad_y, float* grad_x);

/// grad_x[i · inner + j] = grad_y[j] for the first i where x equals y[j], else 0: of maxima and
/// minima. `taken`: [inner] floats, contents on entry do not matter.
void RouteRows(const ReductionRows& rows, const float* x, const float* y, const float* grad_y,
               float* taken, float* grad_x);

/// grad_x[i · inner + j] = x · grad_y[j] / y[j], 0 where y is: of y = √(sum of squares).
/// `quotient`: [inner] floats, contents on entry do not matter.
void ScaleRows(const ReductionRows& rows, const float* x, const float* y, const float* grad_y,
               float* quotient, float* grad_x);

}  // namespace espalier
