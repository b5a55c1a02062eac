// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace espalier {

/// How a plan keeps weights, and computes with them.
enum class Precision : std::uint8_t {
  kFp32,
  /// Arithmetic in float. The weights of dense layers, and of convolutions where reading them takes
  /// the time, rounded to bfloat16 (after folding), to nearest with ties to even: half the bytes to
  /// read, and a relative error of 2⁻⁸ at most for each weight. Infinite and NaN stay so.
  /// Convolutions are those with 8,192 weights or more and an output of up to 4 positions, 12 with
  /// more than 4,194,304 weights; not depthwise or grouped ones. Biases and all else keep float;
  /// Predictor::Describe says which convolutions do, and why.
  kBf16Weights,
  /// Products in whole numbers (kernels/matmul/matmul_int8.h): weights of 8 bits with a scale for
  /// each output (a batch norm that is folded in changes the scales alone), inputs of 7 bits with a
  /// scale for each row, found as it runs: no calibration. A quarter of the bytes. These are dense
  /// layers, those at each position too, and convolutions 1 x 1 of stride 1, with `inputs` and
  /// `outputs` of a row such that inputs · outputs >= 32 · (inputs + outputs) and inputs <=
  /// 132,000; not the heads' own dense layers. Embeddings of 4,096 values or more, with rows of 32
  /// or more, have 8 bits and a scale for each row. All else is as with kFp32. A row with NaN or
  /// infinity makes its results NaN. Predictor::Describe says which layers do, and why others do
  /// not.
  kInt8,
};

}  // namespace espalier
