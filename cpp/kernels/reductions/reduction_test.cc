// SPDX-License-Identifier: Apache-2.0
#include "kernels/reductions/reduction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/random.h"
#include "testing/cpu_targets.h"
#include "testing/special_values.h"

namespace espalier {
namespace {

using testing::ForEachCpuTarget;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameNumber;

constexpr std::int64_t kSizes[] = {0,  1,  2,  3,  5,  7,  8,  9,   15,
                                   16, 17, 31, 33, 63, 64, 65, 127, 1000};

// One float past the end, and a misaligned beginning.
std::vector<float> Values(std::int64_t count) {
  Random random({.seed = 1, .index = static_cast<std::uint32_t>(count)});
  std::vector<float> values(static_cast<std::size_t>(count) + 1);
  for (float& value : values) value = static_cast<float>(random.NextNormal());
  return values;
}

TEST(Reduction, DotProducts) {
  ForEachCpuTarget([] {
    for (const std::int64_t count : kSizes) {
      const std::vector<float> x = Values(count);
      const std::vector<float> y = Values(count + 1);
      double expected = 0.0;
      double size = 0.0;
      for (std::int64_t i = 0; i < count; ++i) {
        const double product = static_cast<double>(x[static_cast<std::size_t>(i) + 1]) *
                               y[static_cast<std::size_t>(i)];
        expected += product;
        size += std::abs(product);
      }
      EXPECT_NEAR(DotProduct(x.data() + 1, y.data(), count), expected, 1e-14 * size) << count;
    }
    const std::vector<float> large(100, 3e38f);
    EXPECT_NEAR(DotProduct(large.data(), large.data(), 100), 100.0 * 3e38 * 3e38, 1e72);
  });
}

TEST(Reduction, SumsOfSquares) {
  ForEachCpuTarget([] {
    for (const std::int64_t count : kSizes) {
      const std::vector<float> values = Values(count);
      const float* const x = values.data() + 1;
      double plain = 0.0;
      double clamped = 0.0;
      for (std::int64_t i = 0; i < count; ++i) {
        plain += static_cast<double>(x[i]) * x[i];
        const double y = std::min(std::max(x[i], -0.5f), 0.5f);
        clamped += y * y;
      }
      EXPECT_NEAR(SumOfSquares(x, count), plain, 4 * 0x1p-24 * plain) << count;
      EXPECT_NEAR(ClampedSumOfSquares(x, count, 0.5f), clamped, 1e-12 * clamped) << count;
    }
    // Squares beyond float's range.
    for (const float size : {3e38f, 1e20f, 1e-15f, 1e-25f, 1e-37f}) {
      const std::vector<float> values(100, size);
      const double expected = 100.0 * static_cast<double>(size) * static_cast<double>(size);
      EXPECT_NEAR(SumOfSquares(values.data(), 100), expected, 1e-6 * expected) << size;
    }
  });
}

// Each in turn is the only element that is not 0.25, a power of two, so that sums are exact.
TEST(Reduction, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats x(length, side);
    std::fill_n(x.data(), length, 0.25f);
    const auto count = static_cast<std::int64_t>(length);
    const double others = 0.0625 * (static_cast<double>(length) - 1.0);
    EXPECT_TRUE(AllFinite(x.data(), count));
    for (std::size_t lane = 0; lane < length; ++lane) {
      for (const float special : testing::kSpecialFloats) {
        x.data()[lane] = special;
        const double wide = static_cast<double>(special);
        const double clamped = std::clamp(wide, -0.5, 0.5);
        ASSERT_EQ(AllFinite(x.data(), count), std::isfinite(special)) << special << " at " << lane;
        const double sum = SumOfSquares(x.data(), count);
        ASSERT_EQ(std::isfinite(sum), std::isfinite(special)) << special << " at " << lane;
        if (std::isfinite(special)) {
          ASSERT_NEAR(sum, others + wide * wide, 4 * 0x1p-24 * sum) << special << " at " << lane;
          ASSERT_EQ(ClampedSumOfSquares(x.data(), count, 0.5f), others + clamped * clamped)
              << special << " at " << lane;
        }
      }
      x.data()[lane] = 0.25f;
    }
  });
}

TEST(Reduction, FindsWhatIsNotFiniteAmongTheGreatestFloats) {
  ForEachCpuTarget([] {
    for (const std::int64_t count : kSizes) {
      std::vector<float> values(static_cast<std::size_t>(count) + 1, 3e38f);
      values.back() = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(AllFinite(values.data(), count)) << count;
      for (std::int64_t i = 0; i < count; ++i) {
        for (const float bad : {-std::numeric_limits<float>::infinity(), values.back()}) {
          std::vector<float> spoiled = values;
          spoiled[static_cast<std::size_t>(i)] = bad;
          EXPECT_FALSE(AllFinite(spoiled.data(), count)) << count << " at " << i;
          EXPECT_FALSE(std::isfinite(SumOfSquares(spoiled.data(), count))) << count << " at " << i;
        }
      }
    }
  });
}

TEST(Reduction, ColumnSumsFromFirstRowToLast) {
  ForEachCpuTarget([] {
    for (const std::int64_t columns : kSizes) {
      for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{3}, std::int64_t{17}}) {
        const std::int64_t stride = columns + 2;
        const std::vector<float> x = Values(rows * stride);
        std::vector<float> sums(static_cast<std::size_t>(columns) + 1, -7.0f);
        ColumnSums(x.data(), rows, columns, stride, sums.data());
        for (std::int64_t j = 0; j < columns; ++j) {
          float expected = 0.0f;
          for (std::int64_t row = 0; row < rows; ++row) {
            expected += x[static_cast<std::size_t>(row * stride + j)];
          }
          EXPECT_EQ(sums[static_cast<std::size_t>(j)], expected) << columns << " column " << j;
        }
        EXPECT_EQ(sums.back(), -7.0f);
      }
    }
  });
}

TEST(Reduction, ColumnSumsOfSpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats x(2 * length, side), sums(length, side);
    const auto columns = static_cast<std::int64_t>(length);
    for (std::size_t turn = 0; turn < testing::kSpecialPairTurns; ++turn) {
      for (std::size_t j = 0; j < length; ++j) {
        x.data()[j] = testing::FirstSpecial(j, turn);
        x.data()[length + j] = testing::SecondSpecial(j, turn);
      }
      ColumnSums(x.data(), 2, columns, columns, sums.data());
      for (std::size_t j = 0; j < length; ++j) {
        ASSERT_TRUE(SameNumber(sums.data()[j], x.data()[j] + x.data()[length + j]))
            << x.data()[j] << " + " << x.data()[length + j];
      }
    }
  });
}

}  // namespace
}  // namespace espalier
