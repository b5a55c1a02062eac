// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/symmetric_bytes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/memory.h"

namespace espalier {
namespace {

struct Column {
  const float* values;
  std::int64_t stride;
  std::int64_t count;
  float greatest;  // magnitude

  float operator[](std::int64_t i) const { return values[i * stride]; }
};

// The first value that is no whole multiple of `scale` in float32; `count`: all are.
std::int64_t FirstBetween(const Column& column, float scale) {
  for (std::int64_t i = 0; i < column.count; ++i) {
    const float steps = std::nearbyint(column[i] / scale);
    if (steps * scale != column[i]) return i;
  }
  return column.count;
}

float ScaleOf(float greatest) {
  const float scale = static_cast<float>(static_cast<double>(greatest) / kMostByte);
  return std::isfinite(scale * 127.0f) ? scale : std::nextafter(scale, 0.0f);
}

// The scale of which all values are whole multiples, the greatest one m times for the least m below
// 127; 0 if there is none. A value that 127 does not do for, `other`, rules most m out by itself:
// its m-fold over the greatest is off a whole number by 2⁻²³ of itself at most, which is below
// 2⁻¹⁶. The scale is that of the quotient, off by one unit in the last place at most.
float ExactScale(const Column& column, float other) {
  const double ratio = static_cast<double>(other) / static_cast<double>(column.greatest);
  for (int m = 1; m < 127; ++m) {
    const double steps = ratio * m;
    if (std::abs(steps - std::nearbyint(steps)) > 0x1p-16) continue;
    const float scale = column.greatest / static_cast<float>(m);
    for (const float candidate :
         {scale, std::nextafter(scale, 0.0f), std::nextafter(scale, column.greatest)}) {
      if (std::isfinite(candidate * 127.0f) && FirstBetween(column, candidate) == column.count) {
        return candidate;
      }
    }
  }
  return 0.0f;
}

}  // namespace

float QuantizeSymmetric(const float* values, std::int64_t stride, std::int64_t count,
                        std::int8_t* q) {
  float greatest = 0.0f;
  bool is_finite = true;
  for (std::int64_t i = 0; i < count; ++i) {
    greatest = std::max(greatest, std::abs(values[i * stride]));
    is_finite = is_finite && std::isfinite(values[i * stride]);
  }
  if (!is_finite || greatest < kLeastMagnitude) {
    std::fill_n(q, count, std::int8_t{0});
    return is_finite ? 0.0f : std::numeric_limits<float>::quiet_NaN();
  }
  const Column column = {values, stride, count, greatest};
  const float scale = ScaleOf(greatest);
  double inverse = kMostByte / static_cast<double>(greatest);
  const std::int64_t between = FirstBetween(column, scale);
  const float exact = between < count ? ExactScale(column, column[between]) : 0.0f;
  if (exact > 0.0f) inverse = 1.0 / static_cast<double>(exact);
  for (std::int64_t i = 0; i < count; ++i) {
    q[i] = static_cast<std::int8_t>(std::nearbyint(static_cast<double>(column[i]) * inverse));
  }
  return exact > 0.0f ? exact : scale;
}

bool AreSymmetricBytes(const float* values, std::int64_t count) {
  AlignedArray<std::int8_t> q(count);
  const float scale = QuantizeSymmetric(values, 1, count, q.data());
  for (std::int64_t i = 0; i < count; ++i) {
    if (static_cast<float>(q[i]) * scale != values[i]) return false;
  }
  return true;
}

void DequantizeSymmetric(const std::int8_t* q, float scale, std::int64_t count, float* values) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(q[i]) * scale;
}

}  // namespace espalier
