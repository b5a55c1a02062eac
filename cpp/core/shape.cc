// SPDX-License-Identifier: Apache-2.0
#include "espalier/shape.h"

#include "core/text.h"

namespace espalier {

Shape::Shape(std::initializer_list<std::int64_t> dimensions)
    : Shape(std::span<const std::int64_t>(dimensions.begin(), dimensions.size())) {}

Shape::Shape(std::span<const std::int64_t> dimensions) {
  if (dimensions.empty() || dimensions.size() > static_cast<std::size_t>(kMaxRank)) {
    Fail(ErrorCode::kInvalidArgument, "shape: expected 1 to ", kMaxRank, " dimensions, got ",
         dimensions.size());
  }
  std::int64_t product = 1;
  for (const std::int64_t dimension : dimensions) {
    if (dimension < 1 || dimension > kMaxElements / product) {
      Fail(ErrorCode::kInvalidArgument,
           "shape: expected dimensions of at least 1 with a product of at most ", kMaxElements,
           ", got [", Join(dimensions, ", "), "]");
    }
    product *= dimension;
    dimensions_[static_cast<std::size_t>(rank_++)] = dimension;
  }
  element_count_ = product;
}

Shape Shape::Image(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return Shape({channels, height, width});
}

Shape Shape::Vector(std::int64_t size) { return Shape({size}); }

std::string Shape::ToString() const { return Concat("[", Join(dimensions(), ", "), "]"); }

}  // namespace espalier
