// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values [length, width] and what else has a last dimension: rows of a matrix, one a position.

#include <cstdint>
#include <span>
#include <string_view>

#include "espalier/shape.h"

namespace espalier {

/// The last dimension.
inline std::int64_t WidthOf(const Shape& shape) { return shape[shape.rank() - 1]; }

/// All others together.
inline std::int64_t PositionsOf(const Shape& shape) {
  return shape.element_count() / WidthOf(shape);
}

/// The only input, of two dimensions or more. Throws Error: SHAPE_MISMATCH.
const Shape& PositionsInput(std::span<const Shape> inputs, std::string_view kind);

}  // namespace espalier
