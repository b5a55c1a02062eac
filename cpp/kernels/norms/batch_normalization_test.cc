// SPDX-License-Identifier: Apache-2.0
#include "kernels/norms/batch_normalization.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "testing/all_activations.h"
#include "testing/special_values.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

// For few channels rows are taken several at a time: enough of them, and some more.
std::int64_t RowsFor(std::size_t channels) { return channels < 4 ? 70 : 5; }

// Settings of the channels, next to a guard like all else. They are finite, so that what is
// special in a result comes from its own element, and factors are below 1, so that overflows do
// not depend on which products are rounded.
struct Settings {
  Settings(std::size_t channels, GuardSide side)
      : mean(channels, side),
        scale(channels, side),
        bias(channels, side),
        average(channels, side),
        slope(channels, side) {
    for (std::size_t c = 0; c < channels; ++c) {
      const float x = static_cast<float>(c);
      mean.data()[c] = 0.25f * x - 3.0f;
      scale.data()[c] = 0.25f + 0.0078125f * x;
      bias.data()[c] = 2.0f - 0.25f * x;
      average.data()[c] = 0.5f * x - 1.0f;
      slope.data()[c] = 0.125f + 0.00390625f * x;
    }
  }
  GuardedFloats mean, scale, bias, average, slope;
};

TEST(BatchNormalization, SpecialValuesInEveryLaneOfEveryNumberOfChannels) {
  testing::ForEachGuardedLength([](std::size_t channels, GuardSide side) {
    if (channels == 0) return;
    const auto count = static_cast<std::int64_t>(channels);
    const std::int64_t rows = RowsFor(channels);
    const std::size_t size = channels * static_cast<std::size_t>(rows);
    Settings s(channels, side);
    GuardedFloats x(size, side), y(size, side);
    const ChannelScaling linear{
        .channels = count, .mean = s.mean.data(), .scale = s.scale.data(), .bias = s.bias.data()};
    ChannelScaling rectified = linear;
    rectified.activation = Activation::kRelu;
    for (std::size_t turn = 0; turn < testing::kSpecialFloatCount; ++turn) {
      for (std::size_t i = 0; i < size; ++i) x.data()[i] = testing::FirstSpecial(i, turn);
      const auto expected = [&](std::size_t i) {
        const std::size_t c = i % channels;
        const double centered = static_cast<double>(x.data()[i]) - s.mean.data()[c];
        return centered * s.scale.data()[c] + s.bias.data()[c];
      };
      ScaleChannels(linear, 0, rows, x.data(), y.data());
      for (std::size_t i = 0; i < size; ++i) {
        ASSERT_TRUE(testing::IsFloatOf(y.data()[i], expected(i)))
            << x.data()[i] << " became " << y.data()[i] << ", not " << expected(i);
      }
      ScaleChannels(rectified, 0, rows, x.data(), y.data());
      for (std::size_t i = 0; i < size; ++i) {
        ASSERT_TRUE(testing::IsFloatOf(y.data()[i], expected(i) <= 0.0 ? 0.0 : expected(i)))
            << x.data()[i];
      }
    }
  });
}

TEST(BatchNormalization, ActivationsAreThoseOfActivationForward) {
  constexpr std::int64_t kRows = 7;
  for (const std::size_t channels : {5, 64, 67}) {
    const auto count = static_cast<std::int64_t>(channels);
    const std::size_t size = channels * kRows;
    Settings s(channels, GuardSide::kAfter);
    std::vector<float> x(size), expected(size), got(size, 9.0f);
    for (std::size_t i = 0; i < size; ++i) x[i] = 0.037f * static_cast<float>(i) - 5.0f;
    ChannelScaling scaling{
        .channels = count, .mean = s.mean.data(), .scale = s.scale.data(), .bias = s.bias.data()};
    testing::ForEachCpuTarget([&] {
      for (const Activation activation : testing::kAllActivations) {
        scaling.activation = Activation::kNone;
        ScaleChannels(scaling, 2, kRows, x.data(), expected.data());
        float* const second = expected.data() + 2 * channels;
        ActivationForward(activation, 0.3f, second, (kRows - 2) * count, second);
        scaling.activation = activation;
        scaling.slope = 0.3f;
        ScaleChannels(scaling, 2, kRows, x.data(), got.data());
        EXPECT_TRUE(std::equal(second, expected.data() + size, got.data() + 2 * channels))
            << static_cast<int>(activation);
        EXPECT_EQ(got[2 * channels - 1], 9.0f);
      }
    });
  }
}

TEST(BatchNormalization, ResidualsAreAddedBeforeTheActivation) {
  constexpr std::int64_t kRows = 7;
  for (const std::size_t channels : {1, 5, 64, 67}) {
    const auto count = static_cast<std::int64_t>(channels);
    const std::size_t size = channels * kRows;
    Settings s(channels, GuardSide::kAfter);
    std::vector<float> x(size), residual(size), expected(size), got(size, 9.0f);
    for (std::size_t i = 0; i < size; ++i) {
      x[i] = 0.037f * static_cast<float>(i) - 5.0f;
      residual[i] = 0.5f * static_cast<float>(i % 11) - 2.0f;
    }
    testing::ForEachCpuTarget([&] {
      for (const Activation activation : testing::kAllActivations) {
        ChannelScaling scaling{.channels = count,
                               .mean = s.mean.data(),
                               .scale = s.scale.data(),
                               .bias = s.bias.data(),
                               .slope = 0.3f};
        ScaleChannels(scaling, 0, kRows, x.data(), expected.data());
        for (std::size_t i = 0; i < size; ++i) expected[i] += residual[i];
        ActivationForward(activation, 0.3f, expected.data(), kRows * count, expected.data());
        scaling.activation = activation;
        scaling.residual = residual.data();
        ScaleChannels(scaling, 1, kRows, x.data(), got.data());
        EXPECT_TRUE(std::equal(expected.begin() + count, expected.end(), got.begin() + count))
            << static_cast<int>(activation);
        EXPECT_EQ(got[channels - 1], 9.0f);
      }
    });
  }
}

TEST(BatchNormalization, GradientsGoThroughTheActivationInPlaceToo) {
  constexpr std::int64_t kRows = 7;
  for (const std::size_t channels : {1, 5, 64, 67}) {
    const auto count = static_cast<std::int64_t>(channels);
    const std::size_t size = channels * kRows;
    Settings s(channels, GuardSide::kAfter);
    std::vector<float> x(size), y(size), grad_y(size), grad(size), expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      x[i] = 0.037f * static_cast<float>(i) - 5.0f;
      grad_y[i] = 0.5f * static_cast<float>(i % 11) - 2.0f;
    }
    const ChannelScalingGradient gradient{.channels = count,
                                          .mean = s.mean.data(),
                                          .scale = s.scale.data(),
                                          .average = s.average.data(),
                                          .slope = s.slope.data()};
    testing::ForEachCpuTarget([&] {
      for (const Activation activation : testing::kAllActivations) {
        if (!IsPiecewiseLinear(activation)) continue;
        const ChannelScaling scaling{.channels = count,
                                     .mean = s.mean.data(),
                                     .scale = s.scale.data(),
                                     .bias = s.bias.data(),
                                     .activation = activation,
                                     .slope = 0.3f};
        ScaleChannels(scaling, 0, kRows, x.data(), y.data());
        ActivationBackward(activation, 0.3f, nullptr, y.data(), grad_y.data(), kRows * count,
                           grad.data());
        ScaleChannelsBackward(gradient, 0, kRows, x.data(), grad.data(), expected.data());
        std::vector<float> got = grad_y;
        ScaleChannelsBackward(gradient, scaling, 0, kRows, x.data(), got.data(), got.data());
        EXPECT_EQ(got, expected) << static_cast<int>(activation);
      }
    });
  }
}

TEST(BatchNormalization, GradientsOfSpecialValuesInEveryLaneOfEveryNumberOfChannels) {
  testing::ForEachGuardedLength([](std::size_t channels, GuardSide side) {
    if (channels == 0) return;
    const auto count = static_cast<std::int64_t>(channels);
    const std::int64_t rows = RowsFor(channels);
    const std::size_t size = channels * static_cast<std::size_t>(rows);
    Settings s(channels, side);
    GuardedFloats x(size, side), grad_y(size, side), grad_x(size, side);
    const ChannelScalingGradient gradient{.channels = count,
                                          .mean = s.mean.data(),
                                          .scale = s.scale.data(),
                                          .average = s.average.data(),
                                          .slope = s.slope.data()};
    for (std::size_t turn = 0; turn < testing::kSpecialPairTurns; turn += 3) {
      for (std::size_t i = 0; i < size; ++i) {
        x.data()[i] = testing::FirstSpecial(i, turn);
        grad_y.data()[i] = testing::SecondSpecial(i, turn);
      }
      ScaleChannelsBackward(gradient, 0, rows, x.data(), grad_y.data(), grad_x.data());
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t c = i % channels;
        const double centered_grad = static_cast<double>(grad_y.data()[i]) - s.average.data()[c];
        const double centered = static_cast<double>(x.data()[i]) - s.mean.data()[c];
        const double direct = centered_grad * s.scale.data()[c];
        const double expected = direct - centered * s.slope.data()[c];
        ASSERT_TRUE(testing::IsFloatOf(grad_x.data()[i], expected, 1e-6, 1e-6 * std::abs(direct)))
            << x.data()[i] << " and " << grad_y.data()[i] << " gave " << grad_x.data()[i]
            << ", not " << expected;
      }
      const SharedScalingGradient shared{.channels = count,
                                         .mean = s.mean.data(),
                                         .weight = s.bias.data(),
                                         .average = s.average.data(),
                                         .scale = s.scale.data(),
                                         .slope = s.slope.data()};
      ScaleChannelsBackward(shared, 0, rows, x.data(), grad_y.data(), grad_x.data());
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t c = i % channels;
        // As float, which the greatest leave.
        const double weighted = static_cast<double>(grad_y.data()[i] * s.bias.data()[c]);
        const double centered = static_cast<double>(x.data()[i]) - s.mean.data()[c];
        const double direct = (weighted - s.average.data()[c]) * s.scale.data()[c];
        const double expected = direct - centered * s.slope.data()[c];
        ASSERT_TRUE(testing::IsFloatOf(grad_x.data()[i], expected, 1e-6, 1e-6 * std::abs(direct)))
            << x.data()[i] << " and " << grad_y.data()[i] << " gave " << grad_x.data()[i]
            << ", not " << expected;
      }
      ScaleChannelsBackward(count, s.scale.data(), 0, rows, grad_y.data(), grad_x.data());
      for (std::size_t i = 0; i < size; ++i) {
        ASSERT_TRUE(
            testing::SameNumber(grad_x.data()[i], grad_y.data()[i] * s.scale.data()[i % channels]));
      }
    }
  });
}

TEST(BatchNormalization, ScalesOfSpecialVariances) {
  for (const float variance : testing::kSpecialFloats) {
    const float weight = 2.0f;
    float scale = 0.0f;
    NormalizationScales(1, &weight, &variance, 0.25f, &scale);
    EXPECT_TRUE(testing::SameNumber(scale, weight / std::sqrt(variance + 0.25f))) << variance;
  }
}

}  // namespace
}  // namespace espalier
