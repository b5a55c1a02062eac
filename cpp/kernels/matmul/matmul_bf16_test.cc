// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/matmul_bf16.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/random.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/normal_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::ForEachCpuTarget;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameBits;

float Widened(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

std::vector<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  return testing::NormalFloats(size, {.seed = 13, .index = stream});
}

struct Problem {
  Problem(std::int64_t m_in, std::int64_t n_in, std::int64_t k_in)
      : m(m_in),
        n(n_in),
        k(k_in),
        a(RandomFloats(m * k, 1)),
        b(RandomFloats(k * n, 2)),
        bias(RandomFloats(n, 3)) {}

  Epilogue epilogue() const {
    return {.column_bias = bias.data(), .activation = Activation::kRelu};
  }

  // Rows [first, first + rows) alone; A, packed B and C end or begin at a page that faults.
  std::vector<float> Multiply(std::int64_t first, std::int64_t rows, int workers = 1,
                              GuardSide side = GuardSide::kAfter,
                              PanelOrder order = PanelOrder::kForward) const {
    GuardedFloats left(static_cast<std::size_t>(rows * k), side);
    std::copy_n(a.data() + first * k, rows * k, left.data());
    GuardedFloats packed(static_cast<std::size_t>(PackedBf16Words(k, n)), side);
    auto* words = reinterpret_cast<std::uint32_t*>(packed.data());
    PackBf16(MatrixRef::RowMajor(b.data(), k, n), words);
    GuardedFloats c(static_cast<std::size_t>(rows * n), side);
    Workspace workspace(workers, 0);
    ParallelMatmulBf16(MatrixRef::RowMajor(left.data(), rows, k), words, n, c.data(), n, epilogue(),
                       workspace, order);
    return c.ToVector();
  }

  void ExpectNearFloat64(const std::vector<float>& c) const {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = bias[static_cast<std::size_t>(j)];
        double magnitude = std::abs(sum);
        for (std::int64_t at = 0; at < k; ++at) {
          const double weight = Widened(ToBf16(b[static_cast<std::size_t>(at * n + j)]));
          const double term = a[static_cast<std::size_t>(i * k + at)] * weight;
          sum += term;
          magnitude += std::abs(term);
        }
        EXPECT_NEAR(c[static_cast<std::size_t>(i * n + j)], std::max(sum, 0.0),
                    testing::SumTolerance(static_cast<std::size_t>(k + 1), magnitude))
            << i << ", " << j;
      }
    }
  }

  std::int64_t m, n, k;
  std::vector<float> a, b, bias;
};

TEST(Bf16, RoundsToNearestEvenAndKeepsWhatIsNotFinite) {
  EXPECT_EQ(Widened(ToBf16(1.0f)), 1.0f);
  EXPECT_EQ(Widened(ToBf16(1.0f + 0x1p-8f)), 1.0f);                // a tie, to even below
  EXPECT_EQ(Widened(ToBf16(1.0f + 3 * 0x1p-8f)), 1.0f + 0x1p-6f);  // a tie, to even above
  EXPECT_EQ(Widened(ToBf16(1.0f + 0x1.2p-8f)), 1.0f + 0x1p-7f);
  EXPECT_TRUE(std::signbit(Widened(ToBf16(-0.0f))));
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Widened(ToBf16(infinity)), infinity);
  EXPECT_EQ(Widened(ToBf16(-infinity)), -infinity);
  EXPECT_TRUE(std::isnan(Widened(ToBf16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(Widened(ToBf16(std::bit_cast<float>(0x7F800001u)))));
  for (const float value : RandomFloats(10000, 9)) {
    EXPECT_LE(std::abs(Widened(ToBf16(value)) - value), std::abs(value) * 0x1p-8f);
  }
}

TEST(Bf16, EqualsTheFloat64ProductOfRoundedWeights) {
  for (const std::int64_t n : {1, 7, 10, 16, 17, 32, 33, 64, 100, 131}) {
    for (const std::int64_t m : {1, 2, 3, 7, 8, 15, 31}) {
      const Problem problem(m, n, 37 + n);
      ForEachCpuTarget([&] {
        problem.ExpectNearFloat64(problem.Multiply(0, m));
        problem.ExpectNearFloat64(problem.Multiply(0, m, 1, GuardSide::kBefore));
      });
    }
    if (HasFailure()) return;
  }
}

// Integers of up to 8 bits are bfloat16 numbers, and their sums float32 numbers.
TEST(Bf16, IntegersAreExact) {
  for (const std::int64_t n : {1, 16, 33, 131}) {
    for (const std::int64_t m : {1, 3, 8, 31}) {
      Problem problem(m, n, 37 + n);
      for (std::vector<float>* values : {&problem.a, &problem.b, &problem.bias}) {
        for (float& value : *values)
          value = std::clamp(std::round(100.0f * value), -255.0f, 255.0f);
      }
      ForEachCpuTarget([&] {
        const std::vector<float> c = problem.Multiply(0, m);
        for (std::int64_t i = 0; i < m; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            double sum = problem.bias[static_cast<std::size_t>(j)];
            for (std::int64_t at = 0; at < problem.k; ++at) {
              sum += static_cast<double>(problem.a[static_cast<std::size_t>(i * problem.k + at)]) *
                     problem.b[static_cast<std::size_t>(at * n + j)];
            }
            ASSERT_EQ(c[static_cast<std::size_t>(i * n + j)], std::max(sum, 0.0)) << i << ", " << j;
          }
        }
      });
    }
  }
}

TEST(Bf16, ARowAloneHasTheBitsItHasInABatchOnAnyNumberOfWorkers) {
  ThreadPool::Shared().SetThreadCount(8);
  const Problem problem(40, 200, 300);
  ForEachCpuTarget([&] {
    const std::vector<float> all = problem.Multiply(0, problem.m);
    for (const int workers : {2, 3, 8}) {
      EXPECT_TRUE(SameBits(problem.Multiply(0, problem.m, workers), all));
    }
    for (const std::int64_t rows : {1, 2, 3, 5, 13}) {
      for (std::int64_t i = 0; i + rows <= problem.m; i += 6) {
        EXPECT_TRUE(SameBits(problem.Multiply(i, rows),
                             std::span(all).subspan(static_cast<std::size_t>(i * problem.n),
                                                    static_cast<std::size_t>(rows * problem.n))));
      }
    }
  });
}

TEST(Bf16, TheOrderOfPanelsDoesNotShowInTheBits) {
  for (const std::int64_t n : {10, 33, 100, 256, 500}) {
    for (const std::int64_t m : {1, 2, 7, 8}) {
      const Problem problem(m, n, 600);
      ForEachCpuTarget([&] {
        EXPECT_TRUE(SameBits(problem.Multiply(0, m, 1, GuardSide::kAfter, PanelOrder::kBackward),
                             problem.Multiply(0, m)));
      });
    }
  }
}

TEST(Bf16, NonFiniteWeightsReachTheirColumnAlone) {
  Problem problem(3, 40, 20);
  problem.b[5 * 40 + 33] = std::numeric_limits<float>::quiet_NaN();
  problem.b[6 * 40 + 2] = std::numeric_limits<float>::infinity();
  ForEachCpuTarget([&] {
    const std::vector<float> c = problem.Multiply(0, 3);
    for (std::size_t i = 0; i < c.size(); ++i) {
      const std::size_t column = i % 40;
      EXPECT_EQ(std::isnan(c[i]), column == 33);
      if (column != 2 && column != 33) {
        EXPECT_TRUE(std::isfinite(c[i]));
      }
    }
  });
}

}  // namespace
}  // namespace espalier
