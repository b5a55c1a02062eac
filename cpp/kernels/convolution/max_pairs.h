// SPDX-License-Identifier: Apache-2.0
#pragma once

// Max pooling 2 x 2 of what a convolution has just computed. Internal to kernels/.

#include <cstdint>

namespace espalier {

/// to[x][c] = the maximum of from[0 and 1][2x and 2x + 1][c], or NaN if there is one, for x in
/// [0, width / 2); rows of `from` are width · channels floats.
void MaxOfPairs(const float* from, std::int64_t width, std::int64_t channels, float* to);

}  // namespace espalier
