// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/unary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "testing/cpu_targets.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"
#include "testing/ulp.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

const Unary kAll[] = {Unary::kExp, Unary::kLog, Unary::kSqrt,      Unary::kAbs,
                      Unary::kNeg, Unary::kErf, Unary::kReciprocal};

double Reference(Unary function, double x) {
  switch (function) {
    case Unary::kExp:
      return std::exp(x);
    case Unary::kLog:
      return std::log(x);
    case Unary::kSqrt:
      return std::sqrt(x);
    case Unary::kAbs:
      return std::abs(x);
    case Unary::kNeg:
      return -x;
    case Unary::kErf:
      return std::erf(x);
    case Unary::kReciprocal:
      return 1.0 / x;
  }
  return 0.0;
}

// function'(x), by x or by y as the kernel reads it.
double Slope(Unary function, double x, double y) {
  switch (function) {
    case Unary::kExp:
      return y;
    case Unary::kLog:
      return 1.0 / x;
    case Unary::kSqrt:
      return 0.5 / y;
    case Unary::kAbs:
      return x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0);
    case Unary::kNeg:
      return -1.0;
    case Unary::kErf:
      return 2.0 / std::sqrt(std::numbers::pi) * std::exp(-x * x);
    case Unary::kReciprocal:
      return -y * y;
  }
  return 0.0;
}

TEST(Unary, IsAccurateToAFewUnitsInTheLastPlace) {
  const std::vector<float> x = testing::FloatsOfEverySize();
  std::vector<float> y(x.size());
  const auto limit = [](Unary function) {
    switch (function) {
      case Unary::kExp:
        return 2.0;
      case Unary::kErf:
        return 3.0;
      case Unary::kLog:
        return 1.0;
      default:
        return 0.5;
    }
  };
  testing::ForEachCpuTarget([&] {
    for (const Unary function : kAll) {
      UnaryForward(function, x.data(), static_cast<std::int64_t>(x.size()), y.data());
      testing::WorstUlp worst;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = Reference(function, static_cast<double>(x[i]));
        if (testing::IsFloatOf(y[i], expected) && !(std::abs(expected) < 1e38)) continue;
        worst.Add(x[i], y[i], expected);
      }
      EXPECT_LE(worst.error, limit(function)) << static_cast<int>(function) << " at " << worst.at;
    }
  });
}

TEST(Unary, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats x(length, side), y(length, side), grad_x(length, side), grad_y(length, side);
    const auto count = static_cast<std::int64_t>(length);
    for (const Unary function : kAll) {
      for (std::size_t turn = 0; turn < testing::kSpecialFloatCount; ++turn) {
        for (std::size_t i = 0; i < length; ++i) {
          x.data()[i] = testing::FirstSpecial(i, turn);
          grad_y.data()[i] = 0.5f;
        }
        UnaryForward(function, x.data(), count, y.data());
        UnaryBackward(function, x.data(), y.data(), grad_y.data(), count, grad_x.data());
        for (std::size_t i = 0; i < length; ++i) {
          const double argument = static_cast<double>(x.data()[i]);
          ASSERT_TRUE(testing::IsFloatOf(y.data()[i], Reference(function, argument)))
              << static_cast<int>(function) << " of " << argument << " gave " << y.data()[i];
          const double slope = Slope(function, argument, static_cast<double>(y.data()[i]));
          ASSERT_TRUE(testing::IsFloatOf(grad_x.data()[i], 0.5 * slope))
              << static_cast<int>(function) << "' of " << argument << " gave " << grad_x.data()[i];
        }
      }
    }
  });
}

TEST(Unary, WorksInPlaceAndWhereverItStands) {
  testing::ForEachCpuTarget([&] {
    for (const Unary function : kAll) {
      std::vector<float> x(37), y(37), alone(37);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.37f * static_cast<float>(i) - 4.0f;
      UnaryForward(function, x.data(), 37, y.data());
      for (std::size_t i = 0; i < x.size(); ++i) UnaryForward(function, &x[i], 1, &alone[i]);
      UnaryForward(function, x.data(), 37, x.data());
      EXPECT_TRUE(testing::SameBits(y, alone));
      EXPECT_TRUE(testing::SameBits(y, x));
    }
  });
}

TEST(Unary, IsWhatIeeeSaysWhereThereIsNoNumber) {
  const auto of = [](Unary function, float x) {
    float y = 9.0f;
    UnaryForward(function, &x, 1, &y);
    return y;
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  testing::ForEachCpuTarget([&] {
    EXPECT_EQ(of(Unary::kLog, 0.0f), -kInfinity);
    EXPECT_EQ(of(Unary::kLog, -0.0f), -kInfinity);
    EXPECT_TRUE(std::isnan(of(Unary::kLog, -1.0f)));
    EXPECT_TRUE(std::isnan(of(Unary::kLog, -kInfinity)));
    EXPECT_EQ(of(Unary::kLog, kInfinity), kInfinity);
    EXPECT_TRUE(std::isnan(of(Unary::kSqrt, -1.0f)));
    EXPECT_EQ(of(Unary::kReciprocal, -0.0f), -kInfinity);
    EXPECT_EQ(of(Unary::kExp, -kInfinity), 0.0f);
    EXPECT_EQ(of(Unary::kExp, 1000.0f), kInfinity);
    EXPECT_EQ(of(Unary::kErf, -kInfinity), -1.0f);
    EXPECT_TRUE(std::signbit(of(Unary::kErf, -0.0f)));
  });
}

}  // namespace
}  // namespace espalier
