// SPDX-License-Identifier: Apache-2.0
#pragma once

// Weights of a dense layer or convolution with the batch norm that follows folded in.

#include <cstdint>

#include "core/memory.h"
#include "network/network_state.h"

namespace espalier {

struct FoldedWeights {
  AlignedArray<float> weights;  // [channels, floats per channel]
  AlignedArray<float> bias;     // [channels], or empty
};

/// Copies weight and bias of layer `index`; with a batch norm `norm` (or -1: none) that
/// follows it:
///
///   w'[c] = w[c]·s,  b'[c] = (b[c] - mean[c])·s + bias_norm[c],  s = weight_norm[c] /
///   √(variance[c] + epsilon)
///
/// in double, rounded once.
FoldedWeights FoldWeights(const NetworkState& network, int index, int norm);

}  // namespace espalier
