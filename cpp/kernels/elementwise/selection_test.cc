// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/selection.h"

#include <gtest/gtest.h>

#include <limits>

#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

TEST(Selection, ChoosesInEveryLane) {
  testing::ForEachCpuTarget([] {
    for (const std::size_t size : {0u, 1u, 3u, 7u, 8u, 15u, 16u, 17u, 31u, 64u, 67u}) {
      for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
        GuardedFloats condition(size, side), a(size, side), b(size, side), y(size, side);
        for (std::size_t i = 0; i < size; ++i) {
          const float special = std::numeric_limits<float>::quiet_NaN();
          condition.data()[i] = i % 3 == 0 ? 0.0f : i % 3 == 1 ? -1.5f : special;
          a.data()[i] = static_cast<float>(i + 1);
          b.data()[i] = -static_cast<float>(i + 1);
        }
        const auto count = static_cast<std::int64_t>(size);
        for (const bool has_a : {true, false}) {
          for (const bool has_b : {true, false}) {
            SelectArrays(condition.data(), has_a ? a.data() : nullptr, has_b ? b.data() : nullptr,
                         count, y.data());
            for (std::size_t i = 0; i < size; ++i) {
              const float first = has_a ? a.data()[i] : 0.0f;
              const float second = has_b ? b.data()[i] : 0.0f;
              ASSERT_EQ(y.data()[i], i % 3 == 0 ? second : first) << size << ": " << i;
            }
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace espalier
