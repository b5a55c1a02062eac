// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/random.h"

namespace espalier {

/// Elements [first, last) of a stream; `first` is a multiple of 8. Arrays begin at `first`.
struct DropoutRange {
  std::int64_t first;
  std::int64_t last;
  std::uint8_t* kept;  ///< for DropoutBackward: a bit an element, from the lowest of each byte
};

/// y[i] = 0 with probability `rate`, else x[i] / (1 - rate); 0 <= rate < 1. Element i of the stream
/// belongs to word i % 4 of RandomBlock(key, i / 4), whoever asks for it. `kept` may be null.
void DropoutForward(const RandomKey& key, double rate, const DropoutRange& range, const float* x,
                    float* y);

/// grad_x[i] = 0 where it was dropped, else grad_y[i] / (1 - rate).
void DropoutBackward(double rate, std::int64_t count, const std::uint8_t* kept, const float* grad_y,
                     float* grad_x);

}  // namespace espalier
