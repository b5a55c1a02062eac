// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduction.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/cpu.h"
#include "core/random.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

constexpr std::int64_t kSizes[] = {0,  1,  2,  3,  5,  7,  8,  9,   15,
                                   16, 17, 31, 33, 63, 64, 65, 127, 1000};
const float kNonFinite[] = {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()};

class Reduction : public testing::TestWithParam<CpuTargetId> {
 protected:
  void SetUp() override {
    if (!CpuSupports(GetParam())) GTEST_SKIP() << "not supported by this CPU";
    former_ = ActiveCpuTarget();
    ForceCpuTarget(GetParam());
    ASSERT_EQ(ActiveCpuTarget(), GetParam());
  }
  void TearDown() override { ForceCpuTarget(former_); }

  // One float past the end, and a misaligned beginning.
  static std::vector<float> Values(std::int64_t count) {
    Random random({.seed = 1, .index = static_cast<std::uint32_t>(count)});
    std::vector<float> values(static_cast<std::size_t>(count) + 1);
    for (float& value : values) value = static_cast<float>(random.NextNormal());
    return values;
  }

 private:
  CpuTargetId former_ = CpuTargetId::kBaseline;
};

TEST_P(Reduction, SumsOfSquares) {
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
}

TEST_P(Reduction, FindsEveryNonFiniteValue) {
  for (const std::int64_t count : kSizes) {
    std::vector<float> values(static_cast<std::size_t>(count) + 1, 3e38f);
    values.back() = kNonFinite[0];
    EXPECT_TRUE(AllFinite(values.data(), count)) << count;
    for (std::int64_t i = 0; i < count; ++i) {
      for (const float bad : kNonFinite) {
        std::vector<float> spoiled = values;
        spoiled[static_cast<std::size_t>(i)] = bad;
        EXPECT_FALSE(AllFinite(spoiled.data(), count)) << count << " at " << i;
        EXPECT_FALSE(std::isfinite(SumOfSquares(spoiled.data(), count))) << count << " at " << i;
      }
    }
  }
}

TEST_P(Reduction, ColumnSumsFromFirstRowToLast) {
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
}

INSTANTIATE_TEST_SUITE_P(Targets, Reduction,
                         testing::Values(CpuTargetId::kBaseline, CpuTargetId::kAvx2,
                                         CpuTargetId::kAvx512),
                         [](const auto& info) { return std::string(CpuTargetName(info.param)); });

}  // namespace
}  // namespace espalier
