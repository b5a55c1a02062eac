// SPDX-License-Identifier: Apache-2.0
#include "kernels/pixels.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "testing/cpu_targets.h"

namespace espalier {
namespace {

TEST(Pixels, EveryByteInEveryLengthHasTheBitsOfPlainArithmetic) {
  testing::ForEachCpuTarget([] {
    for (std::size_t length = 0; length <= 300; ++length) {
      // Of exactly that size, so that the address sanitizer sees a byte too many.
      const std::vector<std::uint8_t> pixels = [&] {
        std::vector<std::uint8_t> bytes(length);
        for (std::size_t i = 0; i < length; ++i) {
          bytes[i] = static_cast<std::uint8_t>(i * 3 + length);
        }
        return bytes;
      }();
      std::vector<float> y(length + 2, -7.0f);
      ConvertPixels(pixels.data(), static_cast<std::int64_t>(length), 1.0f / 255.0f, -0.4914f,
                    y.data() + 1);
      for (std::size_t i = 0; i < length; ++i) {
        const float product = static_cast<float>(pixels[i]) * (1.0f / 255.0f);
        const float expected = product + -0.4914f;
        ASSERT_EQ(std::memcmp(&y[i + 1], &expected, sizeof(float)), 0) << i << " of " << length;
      }
      ASSERT_EQ(y.front(), -7.0f);
      ASSERT_EQ(y.back(), -7.0f);
    }
  });
}

}  // namespace
}  // namespace espalier
