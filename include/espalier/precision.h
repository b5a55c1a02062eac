// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace espalier {

/// How a plan keeps weights. Arithmetic is in float either way.
enum class Precision : std::uint8_t {
  kFp32,
  /// The weights of dense layers (after folding) rounded to bfloat16, to nearest with ties to
  /// even: half the bytes to read, and a relative error of 2⁻⁸ at most for each weight.
  /// Infinite and NaN stay so. Biases and all other layers keep float.
  kBf16Weights,
};

}  // namespace espalier
