// SPDX-License-Identifier: Apache-2.0
#include "kernels/dropout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "testing/special_values.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

TEST(Dropout, EveryElementOfEveryRangeIsThatOfItsWord) {
  const RandomKey key{.seed = 0x123456789abcdefULL, .index = 7, .subindex = 3};
  testing::ForEachGuardedLength([&](std::size_t length, GuardSide side) {
    for (const std::int64_t first : {0, 4, 252}) {
      GuardedFloats factors(length, side);
      std::fill_n(factors.data(), length, std::numeric_limits<float>::quiet_NaN());
      DropoutFactors(key, 0.25, first, first + static_cast<std::int64_t>(length), factors.data());
      for (std::size_t i = 0; i < length; ++i) {
        const auto element = static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(i);
        const std::uint32_t word = RandomBlock(key, element / 4)[element % 4];
        const float expected = word < 0x40000000u ? 0.0f : static_cast<float>(1.0 / 0.75);
        ASSERT_EQ(factors.data()[i], expected) << "element " << element;
      }
    }
  });
}

}  // namespace
}  // namespace espalier
