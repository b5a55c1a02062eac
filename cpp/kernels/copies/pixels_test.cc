// SPDX-License-Identifier: Apache-2.0
#include "kernels/copies/pixels.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"

namespace espalier {
namespace {

using testing::GuardedArray;
using testing::GuardSide;

TEST(Pixels, EveryByteInEveryLengthHasTheBitsOfPlainArithmetic) {
  testing::ForEachCpuTarget([] {
    for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
      for (std::size_t length = 0; length <= 300; ++length) {
        GuardedArray<std::uint8_t> pixels(length, side);
        GuardedArray<float> y(length, side);
        for (std::size_t i = 0; i < length; ++i) {
          pixels.data()[i] = static_cast<std::uint8_t>(i * 3 + length);
        }
        ConvertPixels({.data = pixels.data(), .scale = 1.0f / 255.0f, .offset = -0.4914f},
                      static_cast<std::int64_t>(length), y.data());
        for (std::size_t i = 0; i < length; ++i) {
          const float product = static_cast<float>(pixels.data()[i]) * (1.0f / 255.0f);
          const float expected = product + -0.4914f;
          ASSERT_EQ(std::memcmp(&y.data()[i], &expected, sizeof(float)), 0)
              << i << " of " << length;
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
