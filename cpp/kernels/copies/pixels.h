// SPDX-License-Identifier: Apache-2.0
#pragma once

// Pixels of a byte each, as images come, to floats.

#include <cstdint>

namespace espalier {

struct Pixels {
  const std::uint8_t* data;
  float scale, offset;

  Pixels From(std::int64_t first) const { return {data + first, scale, offset}; }
};

/// y[i] = data[i] · scale + offset; product and sum are rounded one after the other, so
/// that plain float arithmetic gives the same bits.
void ConvertPixels(const Pixels& pixels, std::int64_t count, float* y);

}  // namespace espalier
