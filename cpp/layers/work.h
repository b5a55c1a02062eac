// SPDX-License-Identifier: Apache-2.0
#pragma once

// How long layers take, in multiply-adds of a matrix product: of which a core does about 90 a
// nanosecond with AVX-512, 45 with AVX2. Estimates are for limits and for sharing out work; none
// is off by more than a factor of four where it matters. All saturate.

#include <cstdint>
#include <span>

#include "espalier/shape.h"

namespace espalier {

/// Reading, changing and writing an element takes about as long as this many multiply-adds
/// of a matrix product: 0.2 ns from L2 against 90 multiply-adds a nanosecond.
inline constexpr std::int64_t kElementWork = 16;

/// A product of a depthwise convolution takes as long as so many of a matrix product.
inline constexpr std::int64_t kDepthwiseWork = 2;

/// And so does fetching what one place of a window takes of an image, for a product.
inline constexpr std::int64_t kGatherWork = 64;

/// An element of a pooling window, compared or added.
inline constexpr std::int64_t kWindowWork = 8;

/// Channels as kernels compute them: in whole vectors, of AVX-512.
constexpr std::int64_t WholeVectors(std::int64_t channels) {
  constexpr std::int64_t kLanes = 16;
  return (channels + kLanes - 1) / kLanes * kLanes;
}

/// Of going through all inputs, or through the output if it has more elements.
std::int64_t ElementWork(std::span<const Shape> inputs, const Shape& output);

}  // namespace espalier
