// SPDX-License-Identifier: Apache-2.0
#pragma once

// How many of an example's positions count, where an input says so: an int32 [1].

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

#include "core/text.h"
#include "espalier/shape.h"
#include "layers/layer.h"

namespace espalier {

/// Throws Error: SHAPE_MISMATCH unless the input `index` is such a number, or there is none.
inline void CheckValidPositions(std::span<const Shape> inputs, std::size_t index,
                                std::string_view kind) {
  if (inputs.size() <= index || inputs[index] == Shape{1}) return;
  Fail(ErrorCode::kShapeMismatch, kind, ": expected [1], a number of positions, got ",
       inputs[index].ToString());
}

/// Of that input: 0 to `positions`.
inline IntegerRange RangeOfValidPositions(std::int64_t positions) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  return {0, static_cast<std::int32_t>(std::min(positions, kMost))};
}

/// Of the example, from input `index`: less than 0 is 0, more than `positions` is all of them. All
/// if there is no such input.
inline std::int64_t ValidPositions(std::span<const float* const> inputs, std::size_t index,
                                   std::int64_t example, std::int64_t positions) {
  if (inputs.size() <= index) return positions;
  std::int32_t valid = 0;
  std::memcpy(&valid, inputs[index] + example, sizeof(valid));
  return std::clamp<std::int64_t>(valid, 0, positions);
}

}  // namespace espalier
