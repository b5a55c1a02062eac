// SPDX-License-Identifier: Apache-2.0
#include "layers/work.h"

#include <algorithm>

#include "core/checked.h"

namespace espalier {

std::int64_t ElementWork(std::span<const Shape> inputs, const Shape& output) {
  std::int64_t elements = 0;
  for (const Shape& input : inputs) elements = SaturatedAdd(elements, input.element_count());
  return SaturatedMultiply(std::max(elements, output.element_count()), kElementWork);
}

}  // namespace espalier
