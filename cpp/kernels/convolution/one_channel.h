// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolution 3 x 3 with stride 1 over images of one channel, as first layers have it. Sums of
// nine terms are too short for a matrix product's tile, which would spend as long on beginning
// and storing them: here the nine weights stay in registers instead, and pooling takes place
// before anything is stored. Internal to kernels/.

#include <cstdint>

#include "kernels/convolution/shifted_rows.h"

namespace espalier {

/// True for shapes that the functions below take.
bool IsOneChannel(const ShiftedRows& rows);

/// As SumShiftedRows, with the same bits. `padded` is of PadImage from output row `first` on.
/// Activation: none, relu or relu6.
struct OneChannelSums {
  const ShiftedRows& rows;
  const PaddedImage& padded;
  std::int64_t first, last;
  const float* packed;
  const Epilogue& epilogue;
  bool pools;
  float* output;
};
void SumOneChannel(const OneChannelSums& call);

/// As SumWeightGradients, with the same bits.
struct OneChannelGradients {
  const ShiftedRows& rows;
  const PaddedImage& padded;
  const float* grad_output;
  std::int64_t first, last;
  std::int64_t columns;
  bool accumulates;
  float* sums;
  std::int64_t sums_stride;
};
void SumOneChannelGradients(const OneChannelGradients& call);

}  // namespace espalier
