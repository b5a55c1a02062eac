// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolution over images that lie channels last, [height, width, channels], with weights
// [output channels, channels / groups, kernel height, kernel width] as in files. No patch
// matrix ever exists. Four algorithms, chosen by the geometry alone (conv2d_algorithm.h):
// Winograd's minimal filtering, sums over shifted rows, a plain matrix product, and kernels of
// its own for depthwise convolution.

#include <cstdint>
#include <string_view>

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

/// "Winograd F(4 x 4, 3 x 3)", "depthwise" …: the algorithm of Conv2dForward.
std::string_view Conv2dKernelName(const ConvolutionGeometry& geometry);

/// Scratch floats per worker that each of the functions below needs at most.
std::int64_t Conv2dScratchFloats(const ConvolutionGeometry& geometry);

/// Weights rearranged for Conv2dForward: once for a plan, or once a training step.
std::int64_t Conv2dPackedFloats(const ConvolutionGeometry& geometry);
void Conv2dPackWeights(const ConvolutionGeometry& geometry, const float* weights, float* packed,
                       Workspace& workspace);

/// output [batch, oh, ow, output_channels] from input [batch, h, w, channels];
/// epilogue.column_bias: per output channel. No row bias.
void Conv2dForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                   const float* packed, const Epilogue& epilogue, float* output,
                   Workspace& workspace);

/// The same, followed by max pooling 2 x 2 with stride 2 and no padding: output
/// [batch, oh / 2, ow / 2, output_channels]. Only where Conv2dCanPool.
bool Conv2dCanPool(const ConvolutionGeometry& geometry, Activation activation);
void Conv2dForwardPooled(const ConvolutionGeometry& geometry, std::int64_t batch,
                         const float* input, const float* packed, const Epilogue& epilogue,
                         float* output, Workspace& workspace);

/// Floats that the backward functions need beside scratch, for the whole batch; contents on
/// entry do not matter.
std::int64_t Conv2dBackwardFloats(const ConvolutionGeometry& geometry, std::int64_t batch);

/// grad_input [batch, h, w, channels] is overwritten. `buffer`: Conv2dBackwardFloats.
void Conv2dBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                         const float* grad_output, const float* weights, float* grad_input,
                         float* buffer, Workspace& workspace);

/// grad_weights [output_channels, channels / groups, kh, kw] and grad_bias (may be null) are
/// overwritten. `buffer`: Conv2dBackwardFloats. How the batch is split and summed depends on
/// its size alone.
void Conv2dBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                           const float* input, const float* grad_output, float* grad_weights,
                           float* grad_bias, float* buffer, Workspace& workspace);

}  // namespace espalier
