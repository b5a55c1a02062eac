// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/elementwise.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "testing/special_values.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameNumber;

TEST(Elementwise, EveryPairOfSpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats a(length, side), b(length, side), y(length, side);
    const auto count = static_cast<std::int64_t>(length);
    for (std::size_t turn = 0; turn < testing::kSpecialPairTurns; ++turn) {
      for (std::size_t i = 0; i < length; ++i) {
        a.data()[i] = testing::FirstSpecial(i, turn);
        b.data()[i] = testing::SecondSpecial(i, turn);
      }
      AddArrays(a.data(), b.data(), count, y.data());
      for (std::size_t i = 0; i < length; ++i) {
        ASSERT_TRUE(SameNumber(y.data()[i], a.data()[i] + b.data()[i]))
            << a.data()[i] << " + " << b.data()[i];
      }
    }
  });
}

}  // namespace
}  // namespace espalier
