// SPDX-License-Identifier: Apache-2.0
#pragma once

// Errors of functions of one float, in units of the last place.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace espalier::testing {

/// |got - expected| in units of the last place of the expected float; of 2^-118 for what is
/// smaller, as gelu and silu multiply |x| up to 2^7 and a factor that is denormal there.
inline double UlpError(float got, double expected) {
  const double magnitude = std::max(std::abs(expected), 0x1p-118);
  const double ulp = std::ldexp(1.0, std::ilogb(magnitude) - 23);
  return std::abs(static_cast<double>(got) - expected) / ulp;
}

/// Every 5003rd float from the least denormal to the greatest, of both signs, and every
/// 211th where exponential functions bend.
inline std::vector<float> FloatsOfEverySize() {
  std::vector<float> sample;
  const auto add = [&](float low, float high, std::uint32_t step) {
    for (std::uint32_t bits = std::bit_cast<std::uint32_t>(low);
         bits <= std::bit_cast<std::uint32_t>(high); bits += step) {
      sample.push_back(std::bit_cast<float>(bits));
      sample.push_back(-std::bit_cast<float>(bits));
    }
  };
  add(0.0f, std::numeric_limits<float>::max(), 5003);
  add(0.125f, 16.0f, 211);
  return sample;
}

/// The largest error of a function over a sample, and where it is.
struct WorstUlp {
  double error = 0.0;
  float at = 0.0f;

  void Add(float x, float got, double expected) {
    const double ulp = UlpError(got, expected);
    if (!(ulp <= error)) {  // NaN too
      error = ulp;
      at = x;
    }
  }
};

}  // namespace espalier::testing
