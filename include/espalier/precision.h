// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace espalier {

/// How a plan keeps weights. Arithmetic is in float either way.
enum class Precision : std::uint8_t {
  kFp32,
  /// The weights of dense layers, and of convolutions where reading them takes the time, rounded to
  /// bfloat16 (after folding), to nearest with ties to even: half the bytes to read, and a relative
  /// error of 2⁻⁸ at most for each weight. Infinite and NaN stay so. Convolutions are those with
  /// 8,192 weights or more and an output of up to 4 positions, 12 with more than 4,194,304 weights;
  /// not depthwise or grouped ones. Biases and all else keep float; Predictor::Describe says which
  /// convolutions do, and why.
  kBf16Weights,
};

}  // namespace espalier
