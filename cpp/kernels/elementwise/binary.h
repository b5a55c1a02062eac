// SPDX-License-Identifier: Apache-2.0
#pragma once

// Functions of two operands, element by element, of which one may repeat its values.

#include <cstdint>

namespace espalier {

enum class Binary : std::uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMin,        ///< NaN if one of both is
  kMax,        ///< NaN if one of both is
  kPow,        ///< as std::pow
  kEqual,      ///< 1 if a = b, else 0
  kLess,       ///< 1 if a < b, else 0
  kGreater,    ///< 1 if a > b, else 0
  kRemainder,  ///< of a / b, exact: 0, or of b's sign; NaN of infinities and by 0
  kFmod,       ///< as std::fmod: 0, or of a's sign
  kPrelu,      ///< a > 0 ? a : a·b
};

/// Rows of columns: element (i, j) is values[i·row_stride + j·column_stride]. A stride of 0 repeats
/// what it steps over.
struct StridedRows {
  const float* values;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

/// y[i·columns + j] = function(a(i, j), b(i, j)). y may be an operand that lies like it. Kernels
/// are fast where column strides are 0 or 1.
void BinaryForward(Binary function, std::int64_t rows, std::int64_t columns, const StridedRows& a,
                   const StridedRows& b, float* y);

/// grad[i·columns + j] = grad_y[i·columns + j] · the derivative by operand a (0) or b (1) at (i,
/// j). grad may be grad_y. As PyTorch: of the minimum or maximum of two equal values each has half
/// the gradient; the derivative of a^b by a is 0 where b is 0, that by b is 0 where a is 0 and b is
/// not negative; prelu's by a is b where a is 0; those of comparisons are 0; those of a remainder
/// are 1 by a, and minus the whole quotient by b.
void BinaryBackward(Binary function, int operand, std::int64_t rows, std::int64_t columns,
                    const StridedRows& a, const StridedRows& b, const float* grad_y, float* grad);

/// sums[i · stride] += x[i·columns] + … + x[i·columns + columns - 1] for each row i, one after the
/// other; with stride 0 all go into one.
void AddRowSums(const float* x, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                float* sums);

}  // namespace espalier
