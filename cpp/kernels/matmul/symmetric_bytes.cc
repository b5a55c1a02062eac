// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/symmetric_bytes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace espalier {

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
  const double inverse = kMostByte / static_cast<double>(greatest);
  for (std::int64_t i = 0; i < count; ++i) {
    q[i] =
        static_cast<std::int8_t>(std::nearbyint(static_cast<double>(values[i * stride]) * inverse));
  }
  const float scale = static_cast<float>(static_cast<double>(greatest) / kMostByte);
  return std::isfinite(scale * 127.0f) ? scale : std::nextafter(scale, 0.0f);
}

void DequantizeSymmetric(const std::int8_t* q, float scale, std::int64_t count, float* values) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(q[i]) * scale;
}

}  // namespace espalier
