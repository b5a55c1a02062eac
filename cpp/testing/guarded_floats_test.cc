// SPDX-License-Identifier: Apache-2.0

// That the guards, on which the tests of all kernels rely, do fault.

#include "testing/guarded_floats.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

namespace espalier::testing {
namespace {

template <typename T>
void ReadOutside(GuardedArray<T>& array, GuardSide side) {
  const volatile T* data = array.data();
  [[maybe_unused]] const T value = side == GuardSide::kAfter ? data[array.size()] : data[-1];
}

template <typename T>
void WriteOutside(GuardedArray<T>& array, GuardSide side) {
  volatile T* data = array.data();
  (side == GuardSide::kAfter ? data[array.size()] : data[-1]) = T{1};
}

TEST(GuardedFloatsDeathTest, AnyAccessJustOutsideFaults) {
  for (const std::size_t size : {1, 67, 1024, 5000}) {
    for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
      GuardedFloats floats(size, side);
      EXPECT_DEATH(ReadOutside(floats, side), "");
      EXPECT_DEATH(WriteOutside(floats, side), "");
    }
  }
  GuardedArray<std::uint8_t> bytes(3, GuardSide::kAfter);
  EXPECT_DEATH(ReadOutside(bytes, GuardSide::kAfter), "");
}

TEST(GuardedFloats, AllWithinCanBeReadAndWritten) {
  for (const std::size_t size : {0, 1, 67, 1024, 5000}) {
    for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
      std::vector<float> values(size);
      std::iota(values.begin(), values.end(), 1.0f);
      GuardedFloats floats(values, side);
      EXPECT_EQ(floats.ToVector(), values);
      for (float& value : floats.span()) value += 1.0f;
      for (float& value : values) value += 1.0f;
      EXPECT_EQ(floats.ToVector(), values);
    }
  }
}

}  // namespace
}  // namespace espalier::testing
