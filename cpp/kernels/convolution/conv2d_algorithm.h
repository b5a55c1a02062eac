// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which way a convolution is computed. Internal to kernels/.

#include "kernels/convolution/conv2d.h"
#include "kernels/convolution/shifted_rows.h"
#include "kernels/convolution/winograd.h"

namespace espalier {

enum class ConvolutionAlgorithm {
  kDepthwise,    ///< each input channel has filters of its own
  kPlain,        ///< 1 x 1: one matrix product over all positions
  kShiftedRows,  ///< anything else
  kWinograd2,    ///< F(2 x 2, 3 x 3)
  kWinograd4,    ///< F(4 x 4, 3 x 3)
};

/// By the geometry alone: neither batch nor machine may show in the bits.
ConvolutionAlgorithm ChooseAlgorithm(const ConvolutionGeometry& geometry);

inline bool IsWinograd(ConvolutionAlgorithm algorithm) {
  return algorithm == ConvolutionAlgorithm::kWinograd2 ||
         algorithm == ConvolutionAlgorithm::kWinograd4;
}

/// For geometries that one of Winograd's algorithms was chosen for.
WinogradConvolution ToWinograd(const ConvolutionGeometry& geometry, ConvolutionAlgorithm algorithm);

/// One group of the geometry, its output as it lies.
ShiftedRows ToShiftedRows(const ConvolutionGeometry& geometry);

/// The convolution with stride 1 that gives the input's gradient from the output's: channels
/// and outputs exchanged, the kernel turned round.
ConvolutionGeometry GradientGeometry(const ConvolutionGeometry& geometry);

}  // namespace espalier
