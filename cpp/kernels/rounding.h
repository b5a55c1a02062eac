// SPDX-License-Identifier: Apache-2.0
#pragma once

// Division of sizes, which are not negative.

#include <cstdint>

namespace espalier {

inline std::int64_t Ceiling(std::int64_t value, std::int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

inline std::int64_t RoundUp(std::int64_t value, std::int64_t multiple) {
  return Ceiling(value, multiple) * multiple;
}

}  // namespace espalier
