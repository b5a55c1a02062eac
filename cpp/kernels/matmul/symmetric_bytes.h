// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values as bytes with a common scale: of a weight's column in products of whole numbers, of a row
// of a table, of a channel in a model file.
//
//   value[i] ≈ scale·q[i],  scale = max |value| / 127,  q in -127 … 127
//
// q is value / scale rounded to nearest, ties to even, with max |value| / 127 in float64. A scale
// that would give infinity, next to the greatest float, is the next lower one.
//
// Where values are not scale·q by that scale, but are by another one, max |value| / m with the
// least m below 127, as those of a model that others quantized, they have that one and its q: so
// nothing is rounded. Whoever quantizes scale·q[i] (a product in float32) gets the same q and the
// same bits of the scale.

#include <cstdint>

namespace espalier {

/// Where all magnitudes of a row or column are below this, it counts as 0: then products of scales
/// and sums are normal floats, which no CPU flushes.
inline constexpr float kLeastMagnitude = 0x1p-56f;

inline constexpr double kMostByte = 127.0;

/// q[i] of `count` values `stride` apart; returns the scale. All q are 0 where the scale is: for
/// values that count as 0, where the scale is 0, and such as are not finite, where it is NaN.
float QuantizeSymmetric(const float* values, std::int64_t stride, std::int64_t count,
                        std::int8_t* q);

/// True if values are scale·q to the bit, so that nothing is lost in bytes: -0 is 0.
bool AreSymmetricBytes(const float* values, std::int64_t count);

/// values[i] = scale · q[i].
void DequantizeSymmetric(const std::int8_t* q, float scale, std::int64_t count, float* values);

}  // namespace espalier
