// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace espalier {

/// What a network from a file may ask of the machine at most. All of it is estimated from shapes,
/// before memory is allocated or anything runs: a file of a few KiB can describe images of
/// terabytes, or pooling that takes years. Each is at least 1. The defaults are above any published
/// network that this library can express; who loads files of strangers lowers them to what their
/// own need.
struct NetworkLimits {
  /// Multiply-adds of one example's way through all layers, or what takes as long: an element that
  /// is only moved counts as 16, and vectors that channels do not fill count in full. By default
  /// twice as many as BiT-M R152x4 at 480 x 480 has (0.84e12, the most of any published
  /// convolutional network): 22 s on one core with AVX-512, about a minute with AVX2.
  std::int64_t multiply_adds = 2'000'000'000'000;

  /// Bytes of parameters, of packed weights, and of all buffers for one example. Training, which
  /// keeps every activation, and a gradient and two moments of every parameter, is estimated with
  /// those. By default what training all of that network takes, and a half; the budget of native
  /// memory is the tighter limit on most machines.
  std::int64_t native_bytes = std::int64_t{32} << 30;

  /// Layers, those of heads included. By default four times as many as ResNet-1202 has, with its
  /// norms, activations and sums; a plan of so many takes a tenth of a second.
  std::int64_t layers = 20'000;
};

}  // namespace espalier
