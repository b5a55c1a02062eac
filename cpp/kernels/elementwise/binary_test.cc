// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/binary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "testing/cpu_targets.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"
#include "testing/ulp.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;
using testing::IsFloatOf;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

const Binary kAll[] = {Binary::kAdd,  Binary::kSub,     Binary::kMul,       Binary::kDiv,
                       Binary::kMin,  Binary::kMax,     Binary::kPow,       Binary::kEqual,
                       Binary::kLess, Binary::kGreater, Binary::kRemainder, Binary::kFmod,
                       Binary::kPrelu};

double Reference(Binary function, float a_in, float b_in) {
  const double a = static_cast<double>(a_in);
  const double b = static_cast<double>(b_in);
  switch (function) {
    case Binary::kAdd:
      return a + b;
    case Binary::kSub:
      return a - b;
    case Binary::kMul:
      return a * b;
    case Binary::kDiv:
      return a / b;
    case Binary::kMin:
      return std::isnan(a) || std::isnan(b) ? kNaN : std::min(a, b);
    case Binary::kMax:
      return std::isnan(a) || std::isnan(b) ? kNaN : std::max(a, b);
    case Binary::kPow:
      return std::pow(a, b);
    case Binary::kEqual:
      return a == b ? 1.0 : 0.0;
    case Binary::kLess:
      return a < b ? 1.0 : 0.0;
    case Binary::kGreater:
      return a > b ? 1.0 : 0.0;
    case Binary::kRemainder: {
      const double rest = std::fmod(a, b);
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }
    case Binary::kFmod:
      return std::fmod(a, b);
    case Binary::kPrelu:
      return a > 0 ? a : a * b;
  }
  return 0.0;
}

StridedRows Whole(const float* values) { return {values, 0, 1}; }

TEST(Binary, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats a(length, side), b(length, side), y(length, side);
    const auto count = static_cast<std::int64_t>(length);
    for (const Binary function : kAll) {
      for (std::size_t turn = 0; turn < testing::kSpecialPairTurns; ++turn) {
        for (std::size_t i = 0; i < length; ++i) {
          a.data()[i] = testing::FirstSpecial(i, turn);
          b.data()[i] = testing::SecondSpecial(i, turn);
        }
        BinaryForward(function, 1, count, Whole(a.data()), Whole(b.data()), y.data());
        for (std::size_t i = 0; i < length; ++i) {
          ASSERT_TRUE(IsFloatOf(y.data()[i], Reference(function, a.data()[i], b.data()[i])))
              << static_cast<int>(function) << " of " << a.data()[i] << " and " << b.data()[i]
              << " gave " << y.data()[i];
        }
      }
    }
  });
}

TEST(Binary, PowersAreThoseOfC) {
  const float bases[] = {0.0f, 0.5f, 1.0f, 2.0f, 3.0f, 10.0f, 0x1p-149f, 0x1p100f, kInfinity, kNaN};
  const float exponents[] = {0.0f,      0.5f,    1.0f,           2.0f,    3.0f,    7.25f,
                             0x1.8p22f, 0x1p23f, 0x1.000002p23f, 0x1p24f, 0x1p40f, 1e-30f,
                             kInfinity, kNaN};
  testing::ForEachCpuTarget([&] {
    for (const float base : bases) {
      for (const float exponent : exponents) {
        for (const float a : {base, -base}) {
          for (const float b : {exponent, -exponent}) {
            float y = 0.0f;
            BinaryForward(Binary::kPow, 1, 1, Whole(&a), Whole(&b), &y);
            const auto expected =
                static_cast<float>(std::pow(static_cast<double>(a), static_cast<double>(b)));
            EXPECT_TRUE(IsFloatOf(y, static_cast<double>(expected), 2e-7, 1e-45))
                << a << "^" << b << " gave " << y << ", not " << expected;
            EXPECT_TRUE(std::isnan(y) || std::signbit(y) == std::signbit(expected))
                << a << "^" << b << " gave " << y;
          }
        }
      }
    }
  });
}

TEST(Binary, PowersAreAccurateToTheLastPlace) {
  const std::vector<float> bases = testing::FloatsOfEverySize();
  testing::ForEachCpuTarget([&] {
    testing::WorstUlp worst;
    std::vector<float> y(bases.size());
    for (const float exponent : {-2.5f, -1.0f, -0.1f, 0.3f, 0.5f, 1.0f, 3.0f, 11.7f}) {
      BinaryForward(Binary::kPow, 1, static_cast<std::int64_t>(bases.size()), Whole(bases.data()),
                    {&exponent, 0, 0}, y.data());
      for (std::size_t i = 0; i < bases.size(); i += 3) {
        const double expected =
            std::pow(static_cast<double>(bases[i]), static_cast<double>(exponent));
        if (std::isnan(expected) || std::abs(expected) > std::numeric_limits<float>::max())
          continue;
        worst.Add(bases[i], y[i], expected);
      }
    }
    EXPECT_LE(worst.error, 0.6) << worst.at;
  });
}

// Strides of 0, 1 and others, in rows of every length.
TEST(Binary, OperandsMayRepeatOrLieApart) {
  constexpr std::size_t kRows = 3;
  std::vector<float> values(4000);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.5f + 0.001f * static_cast<float>(i * 7 % 4001);
  }
  testing::ForEachCpuTarget([&] {
    for (const Binary function : kAll) {
      for (std::size_t columns = 1; columns < 40; ++columns) {
        for (const std::int64_t a_step : {0, 1, 5}) {
          for (const std::int64_t b_step : {0, 1, 3}) {
            const StridedRows a = {values.data(), 211, a_step};
            const StridedRows b = {values.data() + 1000, 0, b_step};
            const std::size_t count = kRows * columns;
            std::vector<float> y(count + 1, 9.0f), grad_y(values.end() - 200, values.end());
            std::vector<float> grads[2] = {y, y};
            BinaryForward(function, kRows, static_cast<std::int64_t>(columns), a, b, y.data());
            for (const int k : {0, 1}) {
              BinaryBackward(function, k, kRows, static_cast<std::int64_t>(columns), a, b,
                             grad_y.data(), grads[k].data());
            }
            for (std::size_t i = 0; i < count; ++i) {
              const auto row = static_cast<std::int64_t>(i / columns);
              const auto column = static_cast<std::int64_t>(i % columns);
              const float x = a.values[row * a.row_stride + column * a_step];
              const float z = b.values[column * b_step];
              float one = 0.0f;
              BinaryForward(function, 1, 1, Whole(&x), Whole(&z), &one);
              ASSERT_EQ(y[i], one);
              for (const int k : {0, 1}) {
                BinaryBackward(function, k, 1, 1, Whole(&x), Whole(&z), &grad_y[i], &one);
                ASSERT_EQ(grads[k][i], one);
              }
            }
            ASSERT_EQ(y[count], 9.0f);
            ASSERT_EQ(grads[0][count], 9.0f);
          }
        }
      }
    }
  });
}

TEST(Binary, RemaindersAreExactAndOfTheirOperandsSigns) {
  const auto of = [](Binary function, float a, float b) {
    float y = 9.0f;
    BinaryForward(function, 1, 1, Whole(&a), Whole(&b), &y);
    return y;
  };
  testing::ForEachCpuTarget([&] {
    EXPECT_EQ(of(Binary::kRemainder, -7.0f, 3.0f), 2.0f);
    EXPECT_EQ(of(Binary::kRemainder, 7.0f, -3.0f), -2.0f);
    EXPECT_EQ(of(Binary::kFmod, -7.0f, 3.0f), -1.0f);
    EXPECT_EQ(of(Binary::kFmod, 7.0f, -3.0f), 1.0f);
    EXPECT_EQ(of(Binary::kRemainder, 1e30f, 7.0f), std::fmod(1e30f, 7.0f));
    for (const float a : {1e30f, -1e30f, 5.5f, -5.5f, 0.0f, 3.4e38f, 16777215.0f, 1e-30f}) {
      for (const float b : {7.0f, -7.0f, 0.3f, 3e38f, 1e-20f, 5.5f, 11.0f, -2.2f}) {
        EXPECT_EQ(of(Binary::kFmod, a, b), std::fmod(a, b)) << a << " " << b;
      }
    }
    EXPECT_TRUE(std::isnan(of(Binary::kRemainder, 1.0f, 0.0f)));
    EXPECT_TRUE(std::isnan(of(Binary::kFmod, kInfinity, 2.0f)));
    EXPECT_EQ(of(Binary::kFmod, 2.0f, kInfinity), 2.0f);
  });
}

TEST(Binary, GradientsAtCornersAreThoseOfPyTorch) {
  testing::ForEachCpuTarget([] {
    const auto gradient = [](Binary function, int operand, float a, float b) {
      const float one = 1.0f;
      float grad = 9.0f;
      BinaryBackward(function, operand, 1, 1, Whole(&a), Whole(&b), &one, &grad);
      return grad;
    };
    for (const int k : {0, 1}) {
      EXPECT_EQ(gradient(Binary::kMin, k, 2.0f, 2.0f), 0.5f);
      EXPECT_EQ(gradient(Binary::kMax, k, 2.0f, 2.0f), 0.5f);
      EXPECT_EQ(gradient(Binary::kMax, k, 2.0f, kNaN), 1.0f);
      EXPECT_EQ(gradient(Binary::kMin, k, 1.0f, 2.0f), k == 0 ? 1.0f : 0.0f);
      EXPECT_EQ(gradient(Binary::kMax, k, 1.0f, 2.0f), k == 1 ? 1.0f : 0.0f);
    }
    EXPECT_EQ(gradient(Binary::kPow, 0, 0.0f, 0.0f), 0.0f);
    EXPECT_EQ(gradient(Binary::kPow, 0, kInfinity, 0.0f), 0.0f);
    EXPECT_EQ(gradient(Binary::kPow, 0, 0.0f, 1.0f), 1.0f);
    EXPECT_EQ(gradient(Binary::kPow, 0, 0.0f, 2.0f), 0.0f);
    EXPECT_EQ(gradient(Binary::kPow, 0, -3.0f, 2.0f), -6.0f);
    EXPECT_EQ(gradient(Binary::kPow, 1, 0.0f, 2.0f), 0.0f);
    EXPECT_TRUE(std::isnan(gradient(Binary::kPow, 1, -2.0f, 2.0f)));
    EXPECT_EQ(gradient(Binary::kEqual, 0, 2.0f, 2.0f), 0.0f);
    EXPECT_EQ(gradient(Binary::kRemainder, 0, -7.0f, 3.0f), 1.0f);
    EXPECT_EQ(gradient(Binary::kRemainder, 1, -7.0f, 3.0f), 3.0f);
    EXPECT_EQ(gradient(Binary::kFmod, 1, -7.0f, 3.0f), 2.0f);
    EXPECT_EQ(gradient(Binary::kPrelu, 0, 0.0f, 0.25f), 0.25f);
    EXPECT_EQ(gradient(Binary::kPrelu, 1, -3.0f, 0.25f), -3.0f);
    EXPECT_EQ(gradient(Binary::kDiv, 0, 1.0f, 0.0f), kInfinity);
    EXPECT_EQ(gradient(Binary::kDiv, 1, 1.0f, 0.0f), -kInfinity);
  });
}

TEST(Binary, RowSumsGoWhereTheyBelong) {
  testing::ForEachGuardedLength([](std::size_t columns, GuardSide side) {
    if (columns == 0) return;
    constexpr std::int64_t kRows = 3;
    GuardedFloats x(kRows * columns, side), sums(kRows, side), sum(1, side);
    for (std::size_t i = 0; i < kRows * columns; ++i) x.data()[i] = static_cast<float>(i % 13);
    std::fill_n(sums.data(), kRows, 100.0f);
    sum.data()[0] = 100.0f;
    const auto count = static_cast<std::int64_t>(columns);
    AddRowSums(x.data(), kRows, count, 1, sums.data());
    AddRowSums(x.data(), kRows, count, 0, sum.data());
    float all = 100.0f;
    for (std::size_t row = 0; row < kRows; ++row) {
      float expected = 0.0f;
      for (std::size_t j = 0; j < columns; ++j) expected += x.data()[row * columns + j];
      ASSERT_EQ(sums.data()[row], 100.0f + expected);
      all += expected;
    }
    ASSERT_EQ(sum.data()[0], all);
  });
}

}  // namespace
}  // namespace espalier
