// SPDX-License-Identifier: Apache-2.0
#pragma once

// How tests compare numbers with a float64 reference.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

namespace espalier::testing {

/// Smooth functions in float32 against float64, element by element.
inline constexpr double kForwardRelative = 1.3e-6;
inline constexpr double kForwardAbsolute = 1e-5;

/// A shipped float32 gradient against the float64 gradient, as RelativeNorm.
inline constexpr double kGradientRelativeNorm = 1e-5;

template <typename T>
std::vector<double> ToDouble(std::span<const T> values) {
  return std::vector<double>(values.begin(), values.end());
}

template <typename T>
std::vector<double> ToDouble(const std::vector<T>& values) {
  return std::vector<double>(values.begin(), values.end());
}

/// |got - expected| / |expected| in the 2-norm; |got| itself where expected is all zero.
/// Infinite if anything is not finite or the sizes differ, so that a comparison fails.
template <typename Got, typename Expected>
double RelativeNorm(const Got& got, const Expected& expected) {
  if (std::size(got) != std::size(expected)) return std::numeric_limits<double>::infinity();
  double error = 0.0;
  double norm = 0.0;
  for (std::size_t i = 0; i < std::size(got); ++i) {
    const double difference = static_cast<double>(got[i]) - static_cast<double>(expected[i]);
    error += difference * difference;
    norm += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  const double result = norm > 0.0 ? std::sqrt(error / norm) : std::sqrt(error);
  return std::isfinite(result) ? result : std::numeric_limits<double>::infinity();
}

/// |got - expected| <= absolute + relative · |expected|; NaN equals NaN alone.
inline bool IsClose(double got, double expected, double relative = kForwardRelative,
                    double absolute = kForwardAbsolute) {
  if (std::isnan(got) || std::isnan(expected)) return std::isnan(got) && std::isnan(expected);
  if (std::isinf(got) || std::isinf(expected)) return got == expected;
  return std::abs(got - expected) <= absolute + relative * std::abs(expected);
}

/// Index of the first element that is not close, or -1; -2 if the sizes differ.
template <typename Got, typename Expected>
std::ptrdiff_t FirstFar(const Got& got, const Expected& expected,
                        double relative = kForwardRelative, double absolute = kForwardAbsolute) {
  if (std::size(got) != std::size(expected)) return -2;
  for (std::size_t i = 0; i < std::size(got); ++i) {
    if (!IsClose(static_cast<double>(got[i]), static_cast<double>(expected[i]), relative,
                 absolute)) {
      return static_cast<std::ptrdiff_t>(i);
    }
  }
  return -1;
}

/// Error allowed in a float32 sum of `terms` products whose magnitudes add up to `magnitude`.
inline double SumTolerance(std::size_t terms, double magnitude) {
  return 4.0 * std::sqrt(static_cast<double>(terms)) * 0x1p-24 * magnitude;
}

/// True if every bit is the same (so -0 differs from 0 and NaN equals itself).
template <typename A, typename B>
bool SameBits(const A& a, const B& b) {
  return std::size(a) == std::size(b) &&
         (std::size(a) == 0 ||
          std::memcmp(std::data(a), std::data(b), std::size(a) * sizeof(*std::data(a))) == 0);
}

}  // namespace espalier::testing
