// SPDX-License-Identifier: Apache-2.0
#pragma once

// Weights of a dense layer or convolution with the batch norm that follows folded in.

#include <cstdint>
#include <span>

#include "core/memory.h"
#include "network/network_state.h"

namespace espalier {

struct FoldedWeights {
  AlignedArray<float> weights;  // [channels, floats per channel]
  AlignedArray<float> bias;     // [channels], or empty
  AlignedArray<float> scales;   // [channels] still to be multiplied with weights, or empty: none
};

/// Copies weight and bias of layer `index`; with a batch norm `norm` (or -1: none) that
/// follows it:
///
///   w'[c] = w[c]·s,  b'[c] = (b[c] - mean[c])·s + bias_norm[c],  s = weight_norm[c] /
///   √(variance[c] + epsilon)
///
/// in double, rounded once.
FoldedWeights FoldWeights(const NetworkState& network, int index, int norm);

/// The same for products of whole numbers, whose bytes are those of the weights as the network has
/// them: s is left in `scales`.
FoldedWeights FoldBesideWeights(const NetworkState& network, int index, int norm);

/// Multiplies scales that are still to be multiplied with weights, or none, into those of the
/// weights' columns, as many: what is too small for products of it to be normal floats becomes 0.
void ScaleColumns(std::span<const float> scales, float* column_scales);

/// Puts the columns of a dense layer's weights into the order in which a value of that shape
/// lies inside plans, so that it needs no move before the product.
void MoveColumnsInside(const Shape& input, FoldedWeights& dense);

}  // namespace espalier
