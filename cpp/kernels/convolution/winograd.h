// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolution 3 x 3 with stride 1 by Winograd's minimal filtering: tiles of the images become
// points, each point is one matrix product over channels, and back. F(2 x 2) takes 4 of 9
// multiplications, F(4 x 4) takes 36 of 144. Internal to kernels/.
//
// Errors against the exact result, K = 9 · channels (of the output for the input's gradient; the
// positions of the whole batch for the weights'): F(2 x 2) within 4 x, F(4 x 4) within 32 x the
// bound of the direct sum, 4·√K·2⁻²⁴·Σ|a·b|. Measured, F(2 x 2) and F(4 x 4): outputs 0.14 x and
// 1.13 x, the input's gradient 0.17 x and 0.67 x, the weights' gradient 1.10 x and 2.36 x. A value
// that is not finite spreads over the outputs of its tile.

#include <cstdint>

#include "core/thread_pool.h"
#include "kernels/matmul/matmul.h"

namespace espalier {

struct WinogradConvolution {
  std::int64_t tile;  ///< 2 or 4
  std::int64_t channels, height, width;
  std::int64_t output_channels, output_height, output_width;
  std::int64_t pad_top, pad_left;
};

std::int64_t WinogradPackedFloats(const WinogradConvolution& convolution);

/// Element (channel k, output n, tap) of `weights` lies at k · k_stride + n · n_stride + tap;
/// if `is_reversed`, the taps are counted from the last.
void WinogradPack(const WinogradConvolution& convolution, const float* weights,
                  std::int64_t k_stride, std::int64_t n_stride, bool is_reversed, float* packed,
                  Workspace& workspace);

std::int64_t WinogradScratchFloats(const WinogradConvolution& convolution);

/// Epilogue: column bias, a residual that lies as the output, and relu or relu6 at most. `pools`:
/// followed by the maximum of each 2 x 2 positions.
void WinogradForward(const WinogradConvolution& convolution, std::int64_t batch, const float* input,
                     const float* packed, const Epilogue& epilogue, bool pools, float* output,
                     Workspace& workspace);

std::int64_t WinogradGradWeightsFloats(const WinogradConvolution& convolution, std::int64_t batch);

/// grad_weights [output_channels, channels, 3, 3] is overwritten; `buffer`:
/// WinogradGradWeightsFloats.
void WinogradBackwardWeights(const WinogradConvolution& convolution, std::int64_t batch,
                             const float* input, const float* grad_output, float* grad_weights,
                             float* buffer, Workspace& workspace);

}  // namespace espalier
