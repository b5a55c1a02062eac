// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolutions over channels-last images in which each input channel has filters of its own
// (groups = channels, any multiplier): no sums over channels, so no matrix product; vector
// lanes are channels. conv2d.cc comes here by itself. Internal to kernels/.

#include <cstdint>

#include "kernels/convolution/conv2d.h"

namespace espalier {

/// One input channel per group, more than one group.
inline bool UsesDepthwiseKernels(const ConvolutionGeometry& geometry) {
  return geometry.groups == geometry.channels && geometry.groups > 1;
}

/// All as the functions of conv2d.h.
std::int64_t DepthwiseScratchFloats(const ConvolutionGeometry& geometry);

/// Packed: [kernel height · kernel width, output channels].
std::int64_t DepthwisePackedFloats(const ConvolutionGeometry& geometry);
void DepthwisePackWeights(const ConvolutionGeometry& geometry, const float* weights, float* packed);

/// Each output is one chain over the kernel elements on the image in order, from the bias on.
void DepthwiseForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                      const float* packed, const Epilogue& epilogue, float* output,
                      Workspace& workspace);

/// Output rows [first, last) of one image alone. `input` begins with the image's row `input_row`
/// and has at least the rows that these read. Scratch: DepthwiseScratchFloats.
void DepthwiseForwardRows(const ConvolutionGeometry& geometry, const float* input,
                          std::int64_t input_row, std::int64_t first, std::int64_t last,
                          const float* packed, const Epilogue& epilogue, float* output,
                          float* scratch);

/// Packed as for DepthwiseForward.
void DepthwiseBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                            const float* grad_output, const float* packed, float* grad_input,
                            Workspace& workspace);

std::int64_t DepthwiseBackwardWeightsFloats(const ConvolutionGeometry& geometry,
                                            std::int64_t batch);
/// grad_bias may be null.
void DepthwiseBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                              const float* input, const float* grad_output, float* grad_weights,
                              float* grad_bias, float* buffer, Workspace& workspace);

}  // namespace espalier
