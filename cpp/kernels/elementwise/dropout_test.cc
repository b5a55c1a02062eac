// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/dropout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "testing/special_values.h"

namespace espalier {
namespace {

using testing::GuardedArray;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameNumber;

constexpr float kScale = static_cast<float>(1.0 / 0.75);

bool IsKept(const RandomKey& key, std::int64_t element) {
  const auto at = static_cast<std::uint32_t>(element);
  return RandomBlock(key, at / 4)[at % 4] >= 0x40000000u;
}

TEST(Dropout, EveryElementOfEveryRangeIsThatOfItsWord) {
  const RandomKey key{.seed = 0x123456789abcdefULL, .index = 7, .subindex = 3};
  testing::ForEachGuardedLength([&](std::size_t length, GuardSide side) {
    for (const std::int64_t first : {0, 8, 248}) {
      GuardedFloats x(length, side), y(length, side), grad_y(length, side), grad_x(length, side);
      GuardedArray<std::uint8_t> kept((length + 7) / 8, side);
      for (std::size_t i = 0; i < length; ++i) {
        x.data()[i] = testing::FirstSpecial(i, 0);
        grad_y.data()[i] = testing::FirstSpecial(i, 1);
      }
      const DropoutRange range{
          .first = first, .last = first + static_cast<std::int64_t>(length), .kept = kept.data()};
      DropoutForward(key, 0.25, range, x.data(), y.data());
      DropoutBackward(0.25, static_cast<std::int64_t>(length), kept.data(), grad_y.data(),
                      grad_x.data());
      for (std::size_t i = 0; i < length; ++i) {
        const bool is_kept = IsKept(key, first + static_cast<std::int64_t>(i));
        ASSERT_TRUE(SameNumber(y.data()[i], is_kept ? x.data()[i] * kScale : 0.0f)) << i;
        ASSERT_TRUE(SameNumber(grad_x.data()[i], is_kept ? grad_y.data()[i] * kScale : 0.0f)) << i;
      }
    }
  });
}

TEST(Dropout, WhatIsKeptNeedNotBeWritten) {
  const RandomKey key{.seed = 5};
  GuardedFloats x(77), y(77);
  std::fill_n(x.data(), 77, 1.0f);
  DropoutForward(key, 0.25, {.first = 0, .last = 77, .kept = nullptr}, x.data(), y.data());
  for (int i = 0; i < 77; ++i) EXPECT_EQ(y.data()[i], IsKept(key, i) ? kScale : 0.0f) << i;
}

}  // namespace
}  // namespace espalier
