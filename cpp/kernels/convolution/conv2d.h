// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolution over images that lie channels last, [height, width, channels], with weights
// [output channels, channels / groups, kernel height, kernel width] as in files. No patch
// matrix ever exists, but for a few images of few positions. Four algorithms, chosen by the
// geometry alone (conv2d_algorithm.h): Winograd's minimal filtering, sums over shifted rows, a
// plain matrix product, and kernels of its own for depthwise convolution.

#include <cstdint>
#include <string_view>

#include "core/thread_pool.h"
#include "kernels/matmul/matmul.h"

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

/// Weights rearranged for Conv2dForward: once for a plan, or once a training step if they change.
std::int64_t Conv2dPackedFloats(const ConvolutionGeometry& geometry);
void Conv2dPackWeights(const ConvolutionGeometry& geometry, const float* weights, float* packed,
                       Workspace& workspace);

/// output [batch, oh, ow, output_channels] from input [batch, h, w, channels];
/// epilogue.column_bias: per output channel. No row bias. A residual lies as the output, its
/// stride the output channels; only where Conv2dCanAdd.
bool Conv2dCanAdd(const ConvolutionGeometry& geometry);
void Conv2dForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                   const float* packed, const Epilogue& epilogue, float* output,
                   Workspace& workspace);

/// Output rows [first, last) of one image alone, with the bits that they have in the whole, on
/// the calling thread. `input` begins with the image's row `input_row` and has at least the rows
/// that these read; `output` and a residual begin with row `first`. Only where Conv2dHasRows.
/// Scratch: Conv2dScratchFloats.
struct ConvolutionRows {
  const float* input;
  std::int64_t input_row;
  std::int64_t first, last;
  float* output;
  float* scratch;
};
bool Conv2dHasRows(const ConvolutionGeometry& geometry);
void Conv2dForwardRows(const ConvolutionGeometry& geometry, const ConvolutionRows& rows,
                       const float* packed, const Epilogue& epilogue);

/// As Conv2dForward, followed by max pooling 2 x 2 with stride 2 and no padding: output
/// [batch, oh / 2, ow / 2, output_channels]. Only where Conv2dCanPool, without a residual.
bool Conv2dCanPool(const ConvolutionGeometry& geometry, Activation activation);
void Conv2dForwardPooled(const ConvolutionGeometry& geometry, std::int64_t batch,
                         const float* input, const float* packed, const Epilogue& epilogue,
                         float* output, Workspace& workspace);

/// As Conv2dPackWeights, for Conv2dBackwardInput.
std::int64_t Conv2dPackedBackwardFloats(const ConvolutionGeometry& geometry);
void Conv2dPackWeightsBackward(const ConvolutionGeometry& geometry, const float* weights,
                               float* packed, Workspace& workspace);

/// grad_input [batch, h, w, channels] is overwritten.
void Conv2dBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                         const float* grad_output, const float* packed, float* grad_input,
                         Workspace& workspace);

/// Floats that Conv2dBackwardWeights needs beside scratch, for the whole batch; contents on entry
/// do not matter.
std::int64_t Conv2dBackwardWeightsFloats(const ConvolutionGeometry& geometry, std::int64_t batch);

/// grad_weights [output_channels, channels / groups, kh, kw] and grad_bias (may be null) are
/// overwritten. `buffer`: Conv2dBackwardWeightsFloats. How the batch is split and summed depends
/// on its size alone.
void Conv2dBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                           const float* input, const float* grad_output, float* grad_weights,
                           float* grad_bias, float* buffer, Workspace& workspace);

}  // namespace espalier
