// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/activation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "testing/all_activations.h"
#include "testing/cpu_targets.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"
#include "testing/ulp.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;
using testing::kAllActivations;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSlope = 0.125f;
constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;

double Reference(Activation activation, double x) {
  return testing::ReferenceOf(activation).value(x, static_cast<double>(kSlope));
}

TEST(Activation, IsAccurateToAFewUnitsInTheLastPlace) {
  const std::vector<float> x = testing::FloatsOfEverySize();
  std::vector<float> y(x.size());
  testing::ForEachCpuTarget([&] {
    for (const Activation activation : kAllActivations) {
      ActivationForward(activation, kSlope, x.data(), static_cast<std::int64_t>(x.size()),
                        y.data());
      testing::WorstUlp worst;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = Reference(activation, static_cast<double>(x[i]));
        const bool overflows = std::isinf(y[i]) && testing::IsFloatOf(y[i], expected);
        if (!overflows) worst.Add(x[i], y[i], expected);
      }
      EXPECT_LE(worst.error, testing::ReferenceOf(activation).most_ulp)
          << "kind " << static_cast<int>(activation) << " at " << worst.at;
      ::testing::Test::RecordProperty(std::string(CpuTargetName(ActiveCpuTarget())) + "_ulp_" +
                                          std::to_string(static_cast<int>(activation)),
                                      std::to_string(worst.error));
    }
  });
}

// What each kind makes of a special value, by the formula.
double SpecialResult(Activation activation, float x) {
  if (std::isnan(x)) return static_cast<double>(x);
  const bool is_gated = activation == Activation::kGelu || activation == Activation::kGeluTanh ||
                        activation == Activation::kSilu;
  if (is_gated && x == -kInfinity) {
    return std::numeric_limits<double>::quiet_NaN();  // -inf · 0, as PyTorch has it
  }
  return Reference(activation, static_cast<double>(x));
}

double SpecialGradient(Activation activation, double x, double y, double grad_y) {
  return testing::ReferenceOf(activation)
      .gradient(HasGradientByResult(activation) ? y : x, grad_y, static_cast<double>(kSlope));
}

TEST(Activation, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats x(length, side), y(length, side), in_place(length, side);
    const auto count = static_cast<std::int64_t>(length);
    for (const Activation activation : kAllActivations) {
      for (std::size_t turn = 0; turn < testing::kSpecialFloatCount; ++turn) {
        for (std::size_t i = 0; i < length; ++i) {
          x.data()[i] = in_place.data()[i] = testing::FirstSpecial(i, turn);
        }
        ActivationForward(activation, kSlope, x.data(), count, y.data());
        ActivateRows(activation, kSlope, 1, count, in_place.data(), count);
        for (std::size_t i = 0; i < length; ++i) {
          ASSERT_TRUE(testing::IsFloatOf(y.data()[i], SpecialResult(activation, x.data()[i])))
              << static_cast<int>(activation) << " of " << x.data()[i] << " gave " << y.data()[i];
          ASSERT_TRUE(testing::SameNumber(in_place.data()[i], y.data()[i]));
        }
      }
    }
  });
}

TEST(Activation, GradientsOfSpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t length, GuardSide side) {
    GuardedFloats x(length, side), y(length, side), grad_y(length, side), grad_x(length, side);
    const auto count = static_cast<std::int64_t>(length);
    for (const Activation activation : kAllActivations) {
      for (std::size_t turn = 0; turn < testing::kSpecialPairTurns; ++turn) {
        for (std::size_t i = 0; i < length; ++i) {
          x.data()[i] = testing::FirstSpecial(i, turn);
          y.data()[i] = static_cast<float>(SpecialResult(activation, x.data()[i]));
          grad_y.data()[i] = testing::SecondSpecial(i, turn);
        }
        ActivationBackward(activation, kSlope, x.data(), y.data(), grad_y.data(), count,
                           grad_x.data());
        for (std::size_t i = 0; i < length; ++i) {
          // Of y near 1 little is left by 1 - y or 1 - y², of y near -α by y + α.
          const bool has_difference =
              activation == Activation::kSigmoid || activation == Activation::kTanh ||
              activation == Activation::kElu || activation == Activation::kSelu;
          const double absolute =
              1e-37 + (has_difference ? 1e-7 * std::abs(grad_y.data()[i]) : 0.0);
          const double expected =
              SpecialGradient(activation, x.data()[i], y.data()[i], grad_y.data()[i]);
          ASSERT_TRUE(testing::IsFloatOf(grad_x.data()[i], expected, 1e-6, absolute))
              << static_cast<int>(activation) << " of " << x.data()[i] << " and "
              << grad_y.data()[i] << " gave " << grad_x.data()[i] << ", not " << expected;
        }
      }
    }
  });
}

TEST(Activation, BitsDoNotDependOnThePosition) {
  std::vector<float> x(67);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.37f * static_cast<float>(i) - 12.0f;
  testing::ForEachCpuTarget([&] {
    for (const Activation activation : kAllActivations) {
      std::vector<float> together(67), alone(67);
      ActivationForward(activation, kSlope, x.data(), 67, together.data());
      for (std::size_t i = 0; i < 67; ++i) {
        ActivationForward(activation, kSlope, &x[i], 1, &alone[i]);
      }
      EXPECT_TRUE(testing::SameBits(together, alone));
    }
  });
}

TEST(Activation, WorksInPlace) {
  testing::ForEachCpuTarget([&] {
    for (const Activation activation : kAllActivations) {
      std::vector<float> x(37), y(37), grad(37, 0.5f), grad_x(37);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.41f * static_cast<float>(i) - 7.0f;
      ActivationForward(activation, kSlope, x.data(), 37, y.data());
      ActivationBackward(activation, kSlope, x.data(), y.data(), grad.data(), 37, grad_x.data());
      ActivationBackward(activation, kSlope, x.data(), y.data(), grad.data(), 37, grad.data());
      ActivationForward(activation, kSlope, x.data(), 37, x.data());
      EXPECT_TRUE(testing::SameBits(x, y));
      EXPECT_TRUE(testing::SameBits(grad, grad_x));
    }
  });
}

TEST(Activation, GradientsAtKinksAreThoseOfPyTorch) {
  testing::ForEachCpuTarget([&] {
    const auto gradient = [&](Activation activation, std::vector<float> x) {
      const std::vector<float> ones(x.size(), 1.0f);
      const auto count = static_cast<std::int64_t>(x.size());
      std::vector<float> y(x.size()), grad(x.size());
      ActivationForward(activation, kSlope, x.data(), count, y.data());
      ActivationBackward(activation, kSlope, x.data(), y.data(), ones.data(), count, grad.data());
      return grad;
    };
    EXPECT_EQ(gradient(Activation::kRelu, {0.0f, -0.0f, 6.0f}), (std::vector<float>{0, 0, 1}));
    EXPECT_EQ(gradient(Activation::kRelu6, {0.0f, -0.0f, 6.0f}), (std::vector<float>{0, 0, 0}));
    EXPECT_EQ(gradient(Activation::kLeakyRelu, {0.0f, -0.0f, 6.0f}),
              (std::vector<float>{kSlope, kSlope, 1}));
    EXPECT_EQ(gradient(Activation::kHardSwish, {-3.0f, 3.0f}), (std::vector<float>{0, 1}));
    EXPECT_EQ(gradient(Activation::kHardSigmoid, {-3.0f, 3.0f}), (std::vector<float>{0, 0}));
    EXPECT_EQ(gradient(Activation::kElu, {0.0f, -0.0f, 6.0f}),
              (std::vector<float>{kSlope, kSlope, 1}));
    const std::vector<float> selu = gradient(Activation::kSelu, {0.0f, 6.0f});
    EXPECT_FLOAT_EQ(selu[0], static_cast<float>(kSeluScale * kSeluAlpha));
    EXPECT_FLOAT_EQ(selu[1], static_cast<float>(kSeluScale));
  });
}

}  // namespace
}  // namespace espalier
