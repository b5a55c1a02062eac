// SPDX-License-Identifier: Apache-2.0
#pragma once

// Functions of two values whose shapes differ, as NumPy broadcasts them: dimensions of an example
// are aligned at the right, and one of 1, or a missing one, is repeated along the other's. So
// [C, 1, 1] and [C, H, W] give [C, H, W], as do [H, W] and [C, 1, 1].

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/elementwise/binary.h"
#include "layers/layer.h"

namespace espalier {

/// The common shape. Throws Error: SHAPE_MISMATCH where there is none.
Shape BroadcastShape(std::string_view kind, const Shape& a, const Shape& b);

/// Of an input of a layer whose output is of the broadcast shape.
inline PositionUse BroadcastPositions(const Shape& input, const Shape& output) {
  return input.rank() == output.rank() && input[0] == output[0] ? PositionUse::kSame
                                                                : PositionUse::kAll;
}

/// What Layer::ScratchFloats has to be for BroadcastBackward.
std::int64_t BroadcastScratchFloats(std::span<const Shape> inputs);

/// output = function(inputs[0], inputs[1]).
void BroadcastForward(Binary function, const ForwardArguments& arguments);

/// The gradients of both inputs: where one is repeated, the sum over what it meets, within an
/// example, in an order that depends on the shapes alone.
void BroadcastBackward(Binary function, const BackwardArguments& arguments);

}  // namespace espalier
