// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolution over images [channels, height, width], lowered to matmul per example and
// group: no patch matrix of the whole batch ever exists. Depthwise (groups = channels =
// output channels) has kernels of its own.

#include <cstdint>

#include "core/thread_pool.h"
#include "kernels/matmul.h"

namespace espalier {

struct ConvolutionGeometry {
  std::int64_t channels, height, width;  // input
  std::int64_t output_channels, output_height, output_width;
  std::int64_t kernel_height, kernel_width;
  std::int64_t stride_height, stride_width;
  std::int64_t dilation_height, dilation_width;
  std::int64_t pad_top, pad_left;  // bottom and right follow from the output size
  std::int64_t groups;

  bool IsDepthwise() const { return groups == channels && groups == output_channels && groups > 1; }
};

/// Scratch floats per worker that each of the three functions below needs at most.
std::int64_t Conv2dScratchFloats(const ConvolutionGeometry& geometry);

/// output [batch, output_channels, oh, ow] from input [batch, channels, h, w], weights
/// [output_channels, channels / groups, kh, kw]; epilogue.row_bias: per output channel.
void Conv2dForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                   const float* weights, const Epilogue& epilogue, float* output,
                   Workspace& workspace);

/// grad_input is overwritten.
void Conv2dBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                         const float* grad_output, const float* weights, float* grad_input,
                         Workspace& workspace);

/// grad_weights [output_channels, channels / groups, kh, kw] and grad_bias (may be null) are
/// overwritten. `partial`: Conv2dPartialFloats(geometry, batch) floats; the batch is split into
/// chunks by its size alone, each summed apart, then added in order.
void Conv2dBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                           const float* input, const float* grad_output, float* grad_weights,
                           float* grad_bias, float* partial, Workspace& workspace);
std::int64_t Conv2dPartialFloats(const ConvolutionGeometry& geometry, std::int64_t batch);

}  // namespace espalier
