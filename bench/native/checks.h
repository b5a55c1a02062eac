// SPDX-License-Identifier: Apache-2.0
#pragma once

// What has to hold before anything is timed. A failure ends the program: google benchmark's own
// SkipWithError would let it go on and exit with 0.

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "core/random.h"
#include "kernels/matmul/matmul.h"

namespace espalier {

/// Throws unless `is_right`.
inline void Require(bool is_right, const std::string& what) {
  if (!is_right) throw std::runtime_error(what);
}

/// Throws unless some entries all over C [M, N], row-major, are what float64 gives, each within
/// `tolerance` times the sum of its terms' sizes.
inline void CheckProduct(const MatrixRef& a, const MatrixRef& b, const float* c,
                         double tolerance = 1e-5) {
  Random random({.seed = 4, .index = 0});
  for (int sample = 0; sample < 64; ++sample) {
    const auto i = static_cast<std::int64_t>(random.NextUniform() * static_cast<double>(a.rows));
    const auto j = static_cast<std::int64_t>(random.NextUniform() * static_cast<double>(b.columns));
    double sum = 0.0, size = 0.0;
    for (std::int64_t k = 0; k < a.columns; ++k) {
      const double term = double{a.data[i * a.row_stride + k * a.column_stride]} *
                          b.data[k * b.row_stride + j * b.column_stride];
      sum += term;
      size += std::abs(term);
    }
    Require(std::abs(c[i * b.columns + j] - sum) <= tolerance * size, "the product is wrong");
  }
}

}  // namespace espalier
