// SPDX-License-Identifier: Apache-2.0
#include "kernels/activation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "testing/cpu_targets.h"
#include "testing/tolerance.h"
#include "testing/ulp.h"

namespace espalier {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSlope = 0.125f;

double Reference(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x <= 0 ? 0 : x;
    case Activation::kRelu6:
      return x <= 0 ? 0 : (x > 6 ? 6 : x);
    case Activation::kLeakyRelu:
      return x > 0 ? x : static_cast<double>(kSlope) * x;
    case Activation::kGelu:
      return x * 0.5 * std::erfc(-x / std::numbers::sqrt2);
    case Activation::kSilu:
      return x / (1.0 + std::exp(-x));
    case Activation::kSigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
  }
  return 0.0;
}

const Activation kAll[] = {Activation::kNone,      Activation::kRelu, Activation::kRelu6,
                           Activation::kLeakyRelu, Activation::kGelu, Activation::kSilu,
                           Activation::kSigmoid,   Activation::kTanh};

TEST(Activation, IsAccurateToAFewUnitsInTheLastPlace) {
  const std::vector<float> x = testing::FloatsOfEverySize();
  std::vector<float> y(x.size());
  const auto limit = [](Activation activation) {
    switch (activation) {
      case Activation::kGelu:
        return 6.5;
      case Activation::kSilu:
        return 3.5;
      case Activation::kSigmoid:
      case Activation::kTanh:
        return 3.0;
      default:
        return 0.5;
    }
  };
  testing::ForEachCpuTarget([&] {
    for (const Activation activation : kAll) {
      ActivationForward(activation, kSlope, x.data(), static_cast<std::int64_t>(x.size()),
                        y.data());
      testing::WorstUlp worst;
      for (std::size_t i = 0; i < x.size(); ++i) {
        worst.Add(x[i], y[i], Reference(activation, static_cast<double>(x[i])));
      }
      EXPECT_LE(worst.error, limit(activation))
          << "kind " << static_cast<int>(activation) << " at " << worst.at;
      ::testing::Test::RecordProperty(std::string(CpuTargetName(ActiveCpuTarget())) + "_ulp_" +
                                          std::to_string(static_cast<int>(activation)),
                                      std::to_string(worst.error));
    }
  });
}

const float kSpecial[] = {std::numeric_limits<float>::quiet_NaN(),
                          kInfinity,
                          -kInfinity,
                          0.0f,
                          -0.0f,
                          std::numeric_limits<float>::denorm_min(),
                          -std::numeric_limits<float>::denorm_min(),
                          std::numeric_limits<float>::max(),
                          std::numeric_limits<float>::lowest(),
                          6.0f,
                          1.0f};

// What each kind makes of a special value, by the formula.
float SpecialResult(Activation activation, float x) {
  if (std::isnan(x)) return x;
  if ((activation == Activation::kGelu || activation == Activation::kSilu) && x == -kInfinity) {
    return std::numeric_limits<float>::quiet_NaN();  // -inf · 0, as PyTorch has it
  }
  return static_cast<float>(Reference(activation, static_cast<double>(x)));
}

bool IsSpecialResult(float got, float expected) {
  return testing::IsClose(static_cast<double>(got), static_cast<double>(expected), 1e-6, 1e-37);
}

TEST(Activation, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachCpuTarget([&] {
    for (const Activation activation : kAll) {
      for (std::size_t length = 0; length <= 67; ++length) {
        for (std::size_t lane = 0; lane < length; ++lane) {
          for (const float special : kSpecial) {
            std::vector<float> x(length + 2, 0.5f);
            x[lane + 1] = special;
            std::vector<float> y(length + 2, -7.0f);
            ActivationForward(activation, kSlope, x.data() + 1, static_cast<std::int64_t>(length),
                              y.data() + 1);
            ASSERT_EQ(y.front(), -7.0f);
            ASSERT_EQ(y.back(), -7.0f);
            ASSERT_TRUE(IsSpecialResult(y[lane + 1], SpecialResult(activation, special)))
                << static_cast<int>(activation) << " of " << special << " gave " << y[lane + 1];
            const std::size_t other = (lane + 1) % length;
            if (other != lane) {
              ASSERT_TRUE(IsSpecialResult(y[other + 1], SpecialResult(activation, 0.5f)));
            }
          }
        }
      }
    }
  });
}

TEST(Activation, BitsDoNotDependOnThePosition) {
  std::vector<float> x(67);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.37f * static_cast<float>(i) - 12.0f;
  testing::ForEachCpuTarget([&] {
    for (const Activation activation : kAll) {
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
    for (const Activation activation : kAll) {
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
  const std::vector<float> x = {0.0f, -0.0f, 6.0f};
  const std::vector<float> ones(3, 1.0f);
  testing::ForEachCpuTarget([&] {
    const auto gradient = [&](Activation activation) {
      std::vector<float> y(3), grad(3);
      ActivationForward(activation, kSlope, x.data(), 3, y.data());
      ActivationBackward(activation, kSlope, x.data(), y.data(), ones.data(), 3, grad.data());
      return grad;
    };
    EXPECT_EQ(gradient(Activation::kRelu), (std::vector<float>{0, 0, 1}));
    EXPECT_EQ(gradient(Activation::kRelu6), (std::vector<float>{0, 0, 0}));
    EXPECT_EQ(gradient(Activation::kLeakyRelu), (std::vector<float>{kSlope, kSlope, 1}));
  });
}

}  // namespace
}  // namespace espalier
