// SPDX-License-Identifier: Apache-2.0
#pragma once

// Elementary functions of whole arrays, element by element.

#include <cstdint>

namespace espalier {

enum class Unary : std::uint8_t {
  kExp,
  kLog,   ///< -infinity of 0, NaN of less
  kSqrt,  ///< NaN of less than 0
  kAbs,
  kNeg,
  kErf,
  kReciprocal,  ///< 1 / x, infinity of 0
};

/// y[i] = function(x[i]). y may be x.
void UnaryForward(Unary function, const float* x, std::int64_t count, float* y);

/// True if UnaryBackward reads x.
inline bool ReadsArgument(Unary function) {
  return function == Unary::kLog || function == Unary::kAbs || function == Unary::kErf;
}

/// True if UnaryBackward reads y.
inline bool ReadsResult(Unary function) {
  return function == Unary::kExp || function == Unary::kSqrt || function == Unary::kReciprocal;
}

/// grad_x[i] = grad_y[i] · function'(x[i]), as PyTorch: abs'(0) = 0. What is not read may be null.
/// grad_x may be grad_y.
void UnaryBackward(Unary function, const float* x, const float* y, const float* grad_y,
                   std::int64_t count, float* grad_x);

}  // namespace espalier
