// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolutions in which each input channel has filters of its own (groups = channels, any
// multiplier): no sums over channels, so no matrix product. conv2d.cc comes here by itself.
// Internal to kernels/.

#include <cstdint>

#include "kernels/conv2d.h"

namespace espalier {

/// One input channel per group, more than one group.
inline bool UsesDepthwiseKernels(const ConvolutionGeometry& geometry) {
  return geometry.groups == geometry.channels && geometry.groups > 1;
}

std::int64_t DepthwiseScratchFloats(const ConvolutionGeometry& geometry);

/// As the functions of conv2d.h. Each output is one chain over the kernel elements in
/// order, from the bias on.
void DepthwiseForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                      const float* weights, const Epilogue& epilogue, float* output,
                      Workspace& workspace);
void DepthwiseBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                            const float* grad_output, const float* weights, float* grad_input,
                            Workspace& workspace);

/// Without the bias. A channel's sum over the batch is one task's, so nothing is kept apart.
void DepthwiseBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                              const float* input, const float* grad_output, float* grad_weights,
                              Workspace& workspace);

}  // namespace espalier
