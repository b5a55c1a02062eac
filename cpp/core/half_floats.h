// SPDX-License-Identifier: Apache-2.0
#pragma once

// Numbers of two bytes, as other programs store them; each is exactly one of float's.

#include <bit>
#include <cmath>
#include <cstdint>

namespace espalier {

/// IEEE 754's binary16.
inline float FloatOfHalf(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1Fu;
  const std::uint32_t fraction = bits & 0x3FFu;
  if (exponent == 0) {  // zero, or less than the least normal number
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t widened = exponent == 0x1Fu ? 0xFFu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

/// bfloat16: the upper half of a float.
inline float FloatOfBfloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace espalier
