// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "testing/cpu_targets.h"

namespace espalier {
namespace {

const float kSpecial[] = {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(),
                          0.0f,
                          -0.0f,
                          std::numeric_limits<float>::denorm_min(),
                          std::numeric_limits<float>::max(),
                          1.0f};

bool Same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

TEST(Elementwise, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachCpuTarget([&] {
    for (std::size_t length = 0; length <= 67; ++length) {
      for (std::size_t lane = 0; lane < length; ++lane) {
        for (const float special : kSpecial) {
          for (const float other : {0.0f, 0.5f, std::numeric_limits<float>::infinity()}) {
            std::vector<float> a(length + 1, 2.0f), b(length + 1, 3.0f), y(length + 2, -7.0f);
            a[lane + 1] = special;
            b[lane + 1] = other;
            AddArrays(a.data() + 1, b.data() + 1, static_cast<std::int64_t>(length), y.data() + 1);
            for (std::size_t i = 1; i <= length; ++i) {
              ASSERT_TRUE(Same(y[i], a[i] + b[i])) << special << " + " << other;
            }
            MultiplySelected(a.data() + 1, b.data() + 1, static_cast<std::int64_t>(length),
                             y.data() + 1);
            for (std::size_t i = 1; i <= length; ++i) {
              ASSERT_TRUE(Same(y[i], b[i] == 0.0f ? 0.0f : a[i] * b[i]));
            }
            ASSERT_EQ(y.front(), -7.0f);
            ASSERT_EQ(y.back(), -7.0f);
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
