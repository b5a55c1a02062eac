// SPDX-License-Identifier: Apache-2.0
#include "import/dequantization.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "import/node_facts.h"

namespace espalier {

ForeignTensor Dequantized(const ForeignTensor& x, const ForeignTensor& scale,
                          const ForeignTensor* zero_point, std::int64_t axis) {
  const std::int64_t parts = scale.element_count();
  if (zero_point != nullptr && zero_point->element_count() != parts) {
    Refuse("expected a zero point for each of ", parts, " scales, got ",
           zero_point->element_count());
  }
  std::int64_t run = std::max<std::int64_t>(x.element_count(), 1);
  if (parts != 1) {
    const int place = CountedFromFirst(axis, x.rank());
    const auto& dimensions = x.dimensions();
    if (dimensions[static_cast<std::size_t>(place)] != parts) {
      Refuse("expected ", dimensions[static_cast<std::size_t>(place)], " scales, got ", parts);
    }
    run = std::max<std::int64_t>(
        ForeignElementCount(std::span(dimensions).subspan(static_cast<std::size_t>(place) + 1)), 1);
  }
  const std::vector<float> scales = scale.Floats();
  const std::vector<float> shifts = zero_point == nullptr
                                        ? std::vector<float>(static_cast<std::size_t>(parts), 0.0f)
                                        : zero_point->Floats();
  std::vector<float> values = x.Floats();
  for (std::size_t begin = 0, part = 0; begin < values.size();
       begin += static_cast<std::size_t>(run)) {
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(run); ++i) {
      values[i] = (values[i] - shifts[part]) * scales[part];
    }
    part = part + 1 == static_cast<std::size_t>(parts) ? 0 : part + 1;
  }
  return ForeignTensor::OfFloats(x.dimensions(), std::move(values));
}

}  // namespace espalier
