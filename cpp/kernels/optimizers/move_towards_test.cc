// SPDX-License-Identifier: Apache-2.0
#include "kernels/optimizers/move_towards.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "testing/special_values.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameNumber;

TEST(MoveTowards, EveryElementOfEveryLengthGoesItsShare) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    for (const float fraction : {0.0f, 0.3f, 1.0f}) {
      GuardedFloats targets(length, side), values(length, side);
      std::vector<double> expected;
      for (std::size_t i = 0; i < length; ++i) {
        targets.data()[i] = std::sin(static_cast<float>(i));
        values.data()[i] = std::cos(static_cast<float>(3 * i));
        const double value = values.data()[i];
        expected.push_back(value + static_cast<double>(fraction) * (targets.data()[i] - value));
      }
      MoveTowards(targets.data(), fraction, values.data(), static_cast<std::int64_t>(length));
      for (std::size_t i = 0; i < length; ++i) {
        EXPECT_NEAR(values.data()[i], expected[i], 2e-7) << length << ": " << i;
      }
    }
  });
}

TEST(MoveTowards, EqualOnesStay) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats targets(length, side), values(length, side);
    for (std::size_t i = 0; i < length; ++i) {
      targets.data()[i] = values.data()[i] = 1.0f / static_cast<float>(i + 3);
    }
    MoveTowards(targets.data(), 0.7f, values.data(), static_cast<std::int64_t>(length));
    for (std::size_t i = 0; i < length; ++i) {
      EXPECT_TRUE(SameNumber(values.data()[i], targets.data()[i])) << i;
    }
  });
}

}  // namespace
}  // namespace espalier
