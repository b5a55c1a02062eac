// SPDX-License-Identifier: Apache-2.0
#include "espalier/shape.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "espalier/error.h"

namespace espalier {
namespace {

TEST(Shape, KnowsDimensionsAndElements) {
  const Shape image = Shape::Image(3, 32, 17);
  EXPECT_EQ(image.rank(), 3);
  EXPECT_EQ(image[2], 17);
  EXPECT_EQ(image.element_count(), 3 * 32 * 17);
  EXPECT_EQ(image.ToString(), "[3, 32, 17]");
  EXPECT_EQ(image, Shape({3, 32, 17}));
  EXPECT_NE(image, Shape({3, 17, 32}));
  EXPECT_EQ(Shape::Vector(5).ToString(), "[5]");
}

TEST(Shape, RejectsRankDimensionAndProductOutOfRange) {
  const std::vector<std::int64_t> none;
  const std::vector<std::int64_t> nine(9, 1);
  EXPECT_THROW(Shape{std::span(none)}, Error);
  EXPECT_THROW(Shape{std::span(nine)}, Error);
  EXPECT_THROW(Shape({3, 0}), Error);
  EXPECT_THROW(Shape({-1}), Error);
  EXPECT_THROW(Shape({std::numeric_limits<std::int64_t>::min()}), Error);
  EXPECT_THROW(Shape({std::numeric_limits<std::int64_t>::max()}), Error);
  // Three dimensions whose product wraps to 4 in 64 bits.
  EXPECT_THROW(Shape({4194305, 4194305, 211106198978564}), Error);
  EXPECT_THROW(Shape({Shape::kMaxElements, 2}), Error);
  EXPECT_EQ(Shape({Shape::kMaxElements / 2, 2}).element_count(), Shape::kMaxElements);
}

}  // namespace
}  // namespace espalier
