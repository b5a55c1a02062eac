// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/random.h"

namespace espalier {

/// factors[i] for elements i in [first, last) of the stream: 0 with probability `rate`, else
/// 1 / (1 - rate). Element i belongs to word i % 4 of RandomBlock(key, i / 4), whoever asks
/// for it. `first` is a multiple of 4; 0 <= rate < 1.
void DropoutFactors(const RandomKey& key, double rate, std::int64_t first, std::int64_t last,
                    float* factors);

}  // namespace espalier
