// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace espalier {

/// values[i] += fraction·(targets[i] - values[i]), with one rounding at the end; the arrays don't
/// overlap. Where the two are equal, nothing changes.
void MoveTowards(const float* targets, float fraction, float* values, std::int64_t count);

}  // namespace espalier
