// SPDX-License-Identifier: Apache-2.0
#pragma once

// Pixels of a byte each, as images come, to floats.

#include <cstdint>

namespace espalier {

/// y[i] = pixels[i] · scale + offset; product and sum are rounded one after the other, so
/// that plain float arithmetic gives the same bits.
void ConvertPixels(const std::uint8_t* pixels, std::int64_t count, float scale, float offset,
                   float* y);

}  // namespace espalier
