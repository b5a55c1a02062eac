// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/matmul_int8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "espalier/error.h"
#include "testing/all_activations.h"
#include "testing/cpu_targets.h"
#include "testing/digest.h"
#include "testing/guarded_floats.h"
#include "testing/messages.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::ForEachCpuTarget;
using testing::GuardedArray;
using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameBits;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Floats of -2 to 2 by whole-number arithmetic alone: the same on every machine.
std::vector<float> SomeFloats(std::int64_t size, std::uint32_t seed) {
  std::vector<float> floats(static_cast<std::size_t>(size));
  std::uint32_t state = seed;
  for (float& value : floats) {
    state = state * 1664525u + 1013904223u;
    value = (static_cast<float>(state >> 8) - 0x1p23f) * 0x1p-22f;
  }
  return floats;
}

struct ReferenceRow {
  Int8Row row;
  std::vector<std::int64_t> q;
};

// The header's formulas, one value at a time.
ReferenceRow Quantize(const float* row, std::int64_t k) {
  ReferenceRow result{.row = {}, .q = std::vector<std::int64_t>(static_cast<std::size_t>(k))};
  float least = 0.0f;
  float greatest = 0.0f;
  for (std::int64_t i = 0; i < k; ++i) {
    if (!std::isfinite(row[i])) {
      result.row.scale = kNan;
      return result;
    }
    least = std::min(least, row[i]);
    greatest = std::max(greatest, row[i]);
  }
  if (std::max(greatest, -least) < 0x1p-56f) return result;
  const double range = static_cast<double>(greatest) - static_cast<double>(least);
  const float inverse = static_cast<float>(127.0 / range);
  result.row.scale = static_cast<float>(range / 127.0);
  result.row.zero = std::min(127, static_cast<int>(std::nearbyint(-least * inverse)));
  for (std::int64_t i = 0; i < k; ++i) {
    result.q[static_cast<std::size_t>(i)] = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::nearbyint(row[i] * inverse)) + result.row.zero, 0, 127);
  }
  return result;
}

struct Problem {
  Problem(std::int64_t m_in, std::int64_t n_in, std::int64_t k_in)
      : m(m_in),
        n(n_in),
        k(k_in),
        a(SomeFloats(m * k, 1)),
        b(SomeFloats(k * n, 2)),
        bias(SomeFloats(n, 3)),
        residual(SomeFloats(m * n, 4)) {}

  struct Ending {
    Activation activation = Activation::kLeakyRelu;
    float slope = 0.01f;
    bool has_bias = true;
    bool has_residual = true;
  };

  // Rows [first, first + rows) alone. A, weights' neighbours and C end or begin at a page that
  // faults.
  std::vector<float> Multiply(std::int64_t first, std::int64_t rows, int workers = 1,
                              GuardSide side = GuardSide::kAfter) const {
    return Multiply(first, rows, workers, side, Ending());
  }
  std::vector<float> Multiply(std::int64_t first, std::int64_t rows, int workers, GuardSide side,
                              const Ending& ending) const {
    GuardedFloats left(static_cast<std::size_t>(rows * k), side);
    std::copy_n(a.data() + first * k, rows * k, left.data());
    const GuardedFloats guarded_bias(bias, side);
    const GuardedFloats guarded_residual(
        std::vector<float>(residual.begin() + first * n, residual.begin() + (first + rows) * n),
        side);
    GuardedFloats c(static_cast<std::size_t>(rows * n), side);
    const Int8Weights weights = QuantizeWeights(MatrixRef::RowMajor(b.data(), k, n));
    Workspace workspace(workers, Int8ScratchFloats(rows, k));
    const Epilogue epilogue{.column_bias = ending.has_bias ? guarded_bias.data() : nullptr,
                            .residual = ending.has_residual ? guarded_residual.data() : nullptr,
                            .residual_stride = n,
                            .activation = ending.activation,
                            .slope = ending.slope};
    ParallelMatmulInt8(MatrixRef::RowMajor(left.data(), rows, k), weights, c.data(), n, epilogue,
                       workspace);
    return c.ToVector();
  }

  std::vector<float> Reference() const {
    std::vector<float> scales(static_cast<std::size_t>(n));
    std::vector<std::int64_t> w(b.size());
    for (std::int64_t j = 0; j < n; ++j) {
      float greatest = 0.0f;
      bool is_finite = true;
      for (std::int64_t i = 0; i < k; ++i) {
        const float weight = b[static_cast<std::size_t>(i * n + j)];
        greatest = std::max(greatest, std::abs(weight));
        is_finite = is_finite && std::isfinite(weight);
      }
      if (!is_finite) scales[static_cast<std::size_t>(j)] = kNan;
      if (!is_finite || greatest < 0x1p-56f) continue;
      float& scale = scales[static_cast<std::size_t>(j)];
      scale = static_cast<float>(greatest / 127.0);
      // One weight alone is at least once its own magnitude.
      const bool is_own_scale = k == 1 && scale * 127.0f != greatest;
      if (is_own_scale) scale = greatest;
      for (std::int64_t i = 0; i < k; ++i) {
        const std::size_t at = static_cast<std::size_t>(i * n + j);
        w[at] = static_cast<std::int64_t>(
            std::nearbyint(b[at] * ((is_own_scale ? 1.0 : 127.0) / greatest)));
      }
    }
    std::vector<float> c(static_cast<std::size_t>(m * n));
    for (std::int64_t i = 0; i < m; ++i) {
      const ReferenceRow row = Quantize(a.data() + i * k, k);
      for (std::int64_t j = 0; j < n; ++j) {
        std::int64_t sum = 0;
        for (std::int64_t at = 0; at < k; ++at) {
          sum += (row.q[static_cast<std::size_t>(at)] - row.row.zero) *
                 w[static_cast<std::size_t>(at * n + j)];
        }
        EXPECT_EQ(sum, static_cast<std::int32_t>(sum));
        const std::size_t at = static_cast<std::size_t>(i * n + j);
        float value = static_cast<float>(sum) * row.row.scale;
        value = value * scales[static_cast<std::size_t>(j)];
        value = value + bias[static_cast<std::size_t>(j)];
        value = value + residual[at];
        c[at] = value > 0.0f ? value : value * 0.01f;
      }
    }
    return c;
  }

  std::int64_t m, n, k;
  std::vector<float> a, b, bias, residual;
};

// NaN is NaN whatever its bits.
void ExpectSame(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(got[i])) << i;
    } else {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(expected[i]))
          << i << ": " << got[i] << ", " << expected[i];
    }
  }
}

TEST(Int8, HasTheBitsOfSumsInWholeNumbersForAllSizes) {
  for (const std::int64_t k : {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 131}) {
    for (const std::int64_t n : {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 97, 131}) {
      for (const std::int64_t m : {1, 2, 3, 5, 6, 7, 13, 14, 15, 29}) {
        const Problem problem(m, n, k);
        const std::vector<float> expected = problem.Reference();
        ForEachCpuTarget([&] {
          ExpectSame(problem.Multiply(0, m), expected);
          ExpectSame(problem.Multiply(0, m, 1, GuardSide::kBefore), expected);
        });
        ASSERT_FALSE(HasFailure()) << m << " x " << k << " x " << n;
      }
    }
  }
}

// The same number in every build: on ARM too.
TEST(Int8, TheDigestIsThatOfEveryInstructionSet) {
  ThreadPool::Shared().SetThreadCount(4);
  const Problem problem(70, 150, 700);
  ForEachCpuTarget([&] {
    for (const int workers : {1, 4}) {
      EXPECT_EQ(testing::Digest(problem.Multiply(0, problem.m, workers)), 14371302723219218552u);
    }
  });
}

// Bias, residual and activation as sums are stored are the passes one after another.
TEST(Int8, ActivationsAreThoseOfActivationForward) {
  for (const std::int64_t n : {3, 16, 31, 80}) {
    const Problem problem(17, n, 40);
    ForEachCpuTarget([&] {
      const FlushDenormals flush;  // as while a product runs
      for (const bool adds : {false, true}) {
        Problem::Ending ending{
            .activation = Activation::kNone, .slope = 0.2f, .has_bias = adds, .has_residual = adds};
        const std::vector<float> sums =
            problem.Multiply(0, problem.m, 1, GuardSide::kAfter, ending);
        for (const Activation activation : testing::kAllActivations) {
          ending.activation = activation;
          std::vector<float> expected = sums;
          ActivationForward(activation, ending.slope, sums.data(),
                            static_cast<std::int64_t>(sums.size()), expected.data());
          for (const GuardSide side : {GuardSide::kAfter, GuardSide::kBefore}) {
            EXPECT_TRUE(SameBits(problem.Multiply(0, problem.m, 1, side, ending), expected))
                << KindOf(activation).name << ", " << n << " columns";
          }
        }
      }
    });
  }
}

// Choices and limits have the bits of whole numbers on every instruction set.
TEST(Int8, TheDigestOfActivationsIsThatOfEveryInstructionSet) {
  const Problem problem(33, 100, 90);
  const std::pair<Activation, std::uint64_t> digests[] = {
      {Activation::kRelu, 14149426314449283971u},
      {Activation::kRelu6, 11454217863976127706u},
      {Activation::kHardSwish, 6447992999020468820u},
      {Activation::kHardSigmoid, 13434270098991913364u}};
  ForEachCpuTarget([&] {
    for (const auto& [activation, digest] : digests) {
      EXPECT_EQ(testing::Digest(problem.Multiply(0, problem.m, 1, GuardSide::kAfter,
                                                 {.activation = activation})),
                digest)
          << KindOf(activation).name;
    }
  });
}

TEST(Int8, ARowAloneHasTheBitsItHasInABatchOnAnyNumberOfWorkers) {
  ThreadPool::Shared().SetThreadCount(8);
  const Problem problem(150, 200, 600);
  ForEachCpuTarget([&] {
    const std::vector<float> all = problem.Multiply(0, problem.m);
    for (const int workers : {2, 3, 8}) {
      EXPECT_TRUE(SameBits(problem.Multiply(0, problem.m, workers), all));
    }
    for (const std::int64_t rows : {1, 2, 5, 13}) {
      for (std::int64_t i = 0; i + rows <= problem.m; i += 31) {
        EXPECT_TRUE(SameBits(problem.Multiply(i, rows),
                             std::span(all).subspan(static_cast<std::size_t>(i * problem.n),
                                                    static_cast<std::size_t>(rows * problem.n))));
      }
    }
  });
}

// The greatest magnitudes: sums of a pair in 16 bits, and of kMostInt8Depth in 32.
TEST(Int8, TheLargestSumsAreExact) {
  Problem problem(2, 3, kMostInt8Depth);
  std::fill(problem.a.begin(), problem.a.end(), 127.0f);
  std::fill(problem.b.begin(), problem.b.end(), -127.0f);
  const std::vector<float> expected = problem.Reference();
  ForEachCpuTarget([&] { ExpectSame(problem.Multiply(0, 2), expected); });
  std::fill(problem.a.begin(), problem.a.end(), -127.0f);
  const std::vector<float> positive = problem.Reference();
  ForEachCpuTarget([&] { ExpectSame(problem.Multiply(0, 2), positive); });
}

TEST(Int8, LongerSumsAreRefused) {
  const std::vector<float> b(static_cast<std::size_t>(kMostInt8Depth + 1));
  const std::string message = testing::MessageOf(ErrorCode::kInvalidArgument, [&] {
    QuantizeWeights(MatrixRef::RowMajor(b.data(), kMostInt8Depth + 1, 1));
  });
  EXPECT_NE(message.find("at most 132000 terms, got 132001"), std::string::npos) << message;
}

TEST(Int8, HostileRowsHaveTheDocumentedResult) {
  constexpr std::int64_t kK = 37;
  constexpr std::int64_t kRows = 12;
  Problem problem(kRows, 40, kK);
  const auto fill = [&](std::int64_t row, float value) {
    std::fill_n(problem.a.begin() + row * kK, kK, value);
  };
  const auto at = [&](std::int64_t row, std::int64_t k) -> float& {
    return problem.a[static_cast<std::size_t>(row * kK + k)];
  };
  at(0, 36) = kNan;
  at(1, 0) = kInfinity;
  at(2, 17) = -kInfinity;
  fill(3, 0.0f);
  fill(4, 3.25f);
  fill(5, -3.25f);
  at(6, 5) = 1e30f;  // one outlier: the others become 0
  fill(7, 1e-40f);   // denormal
  fill(8, std::numeric_limits<float>::max());
  at(8, 3) = -std::numeric_limits<float>::max();  // a range that no float holds
  fill(9, -0.0f);
  fill(10, 0x1p-56f);  // the least that counts
  fill(11, 0x1.fffffep-57f);
  const std::vector<float> expected = problem.Reference();
  ForEachCpuTarget([&] {
    const std::vector<float> c = problem.Multiply(0, kRows);
    ExpectSame(c, expected);
    for (std::size_t i = 0; i < c.size(); ++i) EXPECT_EQ(std::isnan(c[i]), i < 3 * 40) << i;
  });
}

TEST(Int8, HostileColumnsHaveTheDocumentedResult) {
  Problem problem(5, 40, 20);
  const auto fill = [&](std::int64_t column, float value) {
    for (std::int64_t k = 0; k < 20; ++k)
      problem.b[static_cast<std::size_t>(k * 40 + column)] = value;
  };
  problem.b[5 * 40 + 33] = kNan;
  problem.b[6 * 40 + 2] = kInfinity;
  fill(7, 0.0f);
  fill(8, 1e-42f);
  fill(9, -1.5f);
  problem.b[9 * 40 + 10] = -1e30f;
  const std::vector<float> expected = problem.Reference();
  ForEachCpuTarget([&] {
    const std::vector<float> c = problem.Multiply(0, 5);
    ExpectSame(c, expected);
    for (std::size_t i = 0; i < c.size(); ++i) {
      EXPECT_EQ(std::isnan(c[i]), i % 40 == 33 || i % 40 == 2) << i;
    }
  });
}

TEST(Int8, RowsAreQuantizedToTheNearestAndWithinTheirMemory) {
  for (const std::int64_t k : {1, 3, 4, 15, 16, 17, 33, 100}) {
    const std::vector<float> row = SomeFloats(k, static_cast<std::uint32_t>(k));
    const ReferenceRow expected = Quantize(row.data(), k);
    ForEachCpuTarget([&] {
      const GuardedFloats guarded(row);
      GuardedArray<std::uint8_t> q(static_cast<std::size_t>((k + 3) / 4 * 4));
      const Int8Row got = QuantizeRow(guarded.data(), k, q.data());
      EXPECT_EQ(got.scale, expected.row.scale);
      EXPECT_EQ(got.zero, expected.row.zero);
      for (std::int64_t i = 0; i < k; ++i) {
        const std::size_t at = static_cast<std::size_t>(i);
        ASSERT_EQ(q.data()[i], expected.q[at]);
        EXPECT_LE(std::abs(got.scale * static_cast<float>(q.data()[i] - got.zero) - row[at]),
                  got.scale * 1.0001f);
      }
    });
  }
}

}  // namespace
}  // namespace espalier
