// SPDX-License-Identifier: Apache-2.0
#pragma once

// Special values in every lane of arrays of every length, next to memory that must not be
// touched.

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>

#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"

namespace espalier::testing {

inline constexpr float kSpecialFloats[] = {
    std::numeric_limits<float>::quiet_NaN(),
    std::numeric_limits<float>::infinity(),
    -std::numeric_limits<float>::infinity(),
    0.0f,
    -0.0f,
    std::numeric_limits<float>::denorm_min(),
    -0x1p-130f,  // denormal, too
    std::numeric_limits<float>::max(),
    std::numeric_limits<float>::lowest(),
    6.0f,
    0.5f,
};
inline constexpr std::size_t kSpecialFloatCount = std::size(kSpecialFloats);

/// Four whole vectors of the widest target, and less than another one.
inline constexpr std::size_t kLongestRun = 67;

/// visit(length, side) for each length up to kLongestRun and each side of a guard, on every
/// target.
template <typename Visit>
void ForEachGuardedLength(Visit visit) {
  ForEachCpuTarget([&] {
    for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
      SCOPED_TRACE(side == GuardSide::kBefore ? "guarded before" : "guarded after");
      for (std::size_t length = 0; length <= kLongestRun; ++length) {
        visit(length, side);
        if (::testing::Test::HasFatalFailure()) {
          FAIL() << "of length " << length;
        }
      }
    }
  });
}

/// Two operands that meet each pair of special values in each lane as `turn` goes through
/// [0, kSpecialPairTurns).
inline constexpr std::size_t kSpecialPairTurns = kSpecialFloatCount * kSpecialFloatCount;
inline float FirstSpecial(std::size_t lane, std::size_t turn) {
  return kSpecialFloats[(lane + turn) % kSpecialFloatCount];
}
inline float SecondSpecial(std::size_t lane, std::size_t turn) {
  return kSpecialFloats[(lane + turn / kSpecialFloatCount) % kSpecialFloatCount];
}

/// True if float32 arithmetic may give `got` where the exact result is `exact`: NaN for NaN, and
/// infinity for what is beyond its range, or so close to its end that rounding decides.
inline bool IsFloatOf(float got, double exact, double relative = 1e-6, double absolute = 1e-37) {
  if (std::isnan(got) || std::isnan(exact)) return std::isnan(got) && std::isnan(exact);
  if (std::isinf(got)) {
    const double magnitude = got > 0.0f ? exact : -exact;
    return magnitude >= (1.0 - relative) * std::numeric_limits<float>::max();
  }
  if (std::isinf(exact)) return false;
  return std::abs(static_cast<double>(got) - exact) <= absolute + relative * std::abs(exact);
}

/// True if both are the same number (0 equals -0) or both are NaN.
inline bool SameNumber(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace espalier::testing
