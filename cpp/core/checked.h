// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arithmetic on sizes that cannot wrap.

#include <cstdint>
#include <limits>

#include "core/text.h"

namespace espalier {

/// a * b and a + b; throw INVALID_ARGUMENT on overflow.
inline std::int64_t CheckedMultiply(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) {
    Fail(ErrorCode::kInvalidArgument, "size overflows: ", a, " * ", b);
  }
  return result;
}

inline std::int64_t CheckedAdd(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) {
    Fail(ErrorCode::kInvalidArgument, "size overflows: ", a, " + ", b);
  }
  return result;
}

/// a * b and a + b of numbers that are not negative; the largest number on overflow.
inline std::int64_t SaturatedMultiply(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}

inline std::int64_t SaturatedAdd(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_add_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}

}  // namespace espalier
