// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolutions with weights kept in bfloat16, half the bytes of float, where reading them is what
// takes the time. Every sum is in float, in the order of conv2d.h's: results have the bits of
// float weights that were rounded before.

#include <cstdint>
#include <string_view>

#include "core/thread_pool.h"
#include "kernels/convolution/conv2d.h"
#include "kernels/matmul/matmul.h"

namespace espalier {

/// Why the weights of a convolution stay in float, for people: "depthwise"; empty: in bfloat16 they
/// are faster. By the geometry alone, so that neither batch nor machine shows in the bits.
std::string_view Conv2dKeepsFloat(const ConvolutionGeometry& geometry);

/// Words of 4 bytes that Conv2dPackBf16 writes. This, and all below, only where Conv2dKeepsFloat is
/// empty.
std::int64_t Conv2dPackedBf16Words(const ConvolutionGeometry& geometry);

/// Rounds and rearranges weights [output channels, channels, kernel height, kernel width].
void Conv2dPackBf16(const ConvolutionGeometry& geometry, const float* weights,
                    std::uint32_t* packed);

/// As Conv2dForward and, if `pools`, Conv2dForwardPooled. Scratch: Conv2dScratchFloats.
void Conv2dForwardBf16(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                       const std::uint32_t* packed, const Epilogue& epilogue, bool pools,
                       float* output, Workspace& workspace);

}  // namespace espalier
