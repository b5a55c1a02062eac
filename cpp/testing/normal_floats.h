// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <vector>

#include "core/random.h"

namespace espalier::testing {

/// `count` values of the standard normal distribution.
inline std::vector<float> NormalFloats(std::integral auto count, const RandomKey& key) {
  Random random(key);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random.NextNormal());
  return values;
}

}  // namespace espalier::testing
