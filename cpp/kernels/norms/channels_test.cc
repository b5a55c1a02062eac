// SPDX-License-Identifier: Apache-2.0
#include "kernels/norms/channels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/random.h"
#include "testing/all_activations.h"
#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;

std::size_t At(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Statistics {
  std::vector<float> sums, mean, variance, gradient_sums, products;
};

Statistics Compute(const ChannelLayout& layout, const float* x, const float* grad, int workers) {
  const std::size_t channels = At(layout.channels);
  Workspace workspace(workers, 0);
  GuardedFloats partials(At(ChannelPartialFloats(layout)));
  GuardedFloats results[5] = {GuardedFloats(channels), GuardedFloats(channels),
                              GuardedFloats(channels), GuardedFloats(channels),
                              GuardedFloats(channels)};
  float* r[5];
  for (std::size_t i = 0; i < 5; ++i) r[i] = results[i].data();
  ChannelSums(layout, x, r[0], partials.data(), workspace);
  ChannelMoments(layout, x, r[1], r[2], partials.data(), workspace);
  const std::vector<float> ones(channels, 1.0f);
  const ChannelScaling scaling = {
      .channels = layout.channels, .mean = r[1], .scale = ones.data(), .bias = ones.data()};
  ChannelGradientSums(layout, scaling, x, grad, r[3], r[4], partials.data(), workspace);
  return {results[0].ToVector(), results[1].ToVector(), results[2].ToVector(),
          results[3].ToVector(), results[4].ToVector()};
}

TEST(Channels, MatchTheReferenceOnAwkwardSizes) {
  for (const std::int64_t channels : {1, 2, 3, 5, 8, 15, 16, 17, 24, 31, 33, 48, 63, 64, 65, 130}) {
    for (const std::int64_t rows : {1, 2, 7, 16, 65, 130, 611}) {
      const ChannelLayout layout{rows, channels};
      Random random({.seed = 3, .purpose = RandomPurpose::kTest});
      GuardedFloats x(At(rows * channels)), grad(At(rows * channels));
      for (float& value : x.span()) value = static_cast<float>(random.NextNormal()) + 0.5f;
      for (float& value : grad.span()) value = static_cast<float>(random.NextNormal());
      testing::ForEachCpuTarget([&] {
        const Statistics got = Compute(layout, x.data(), grad.data(), 1);
        std::vector<float> in_one_go(At(channels));
        SumRows(layout, x.data(), in_one_go.data());
        GuardedFloats mean_in_one_go(At(channels)), squares_in_one_go(At(channels));
        MomentsOfRows(layout, x.data(), mean_in_one_go.data(), squares_in_one_go.data());
        GuardedFloats gradient_in_one_go(At(channels)), products_in_one_go(At(channels));
        GradientSumsOfRows(layout, x.data(), got.mean.data(), grad.data(),
                           gradient_in_one_go.data(), products_in_one_go.data());
        for (std::int64_t c = 0; c < channels; ++c) {
          double sum = 0.0, absolute = 0.0, gradient = 0.0, gradient_absolute = 0.0;
          for (std::int64_t i = 0; i < rows; ++i) {
            const double value = static_cast<double>(x.data()[i * channels + c]);
            const double g = static_cast<double>(grad.data()[i * channels + c]);
            sum += value;
            absolute += std::abs(value);
            gradient += g;
            gradient_absolute += std::abs(g);
          }
          double squares = 0.0, product = 0.0, product_absolute = 0.0;
          const double mean = sum / static_cast<double>(rows);
          const double got_mean = static_cast<double>(got.mean[At(c)]);
          for (std::int64_t i = 0; i < rows; ++i) {
            const double value = static_cast<double>(x.data()[i * channels + c]);
            const double g = static_cast<double>(grad.data()[i * channels + c]);
            squares += (value - mean) * (value - mean);
            product += g * (value - got_mean);
            product_absolute += std::abs(g * (value - got_mean));
          }
          const std::size_t terms = At(rows);
          const auto expect = [&](const std::vector<float>& values, double expected,
                                  double tolerance, const char* what) {
            EXPECT_NEAR(static_cast<double>(values[At(c)]), expected, tolerance + 1e-12)
                << what << " of channel " << c << " of " << rows << " x " << channels;
          };
          const double tolerance = testing::SumTolerance(terms, absolute);
          expect(got.sums, sum, tolerance, "sum");
          expect(in_one_go, sum, tolerance, "sum in one go");
          expect(got.mean, mean, tolerance / static_cast<double>(rows), "mean");
          expect(got.variance, squares / static_cast<double>(rows),
                 2e-6 * squares / static_cast<double>(rows) + 1e-12, "variance");
          expect(got.gradient_sums, gradient, testing::SumTolerance(terms, gradient_absolute),
                 "gradient");
          expect(mean_in_one_go.ToVector(), mean, tolerance / static_cast<double>(rows),
                 "mean in one go");
          expect(squares_in_one_go.ToVector(), squares, 2e-6 * squares + 1e-12, "squares");
          expect(gradient_in_one_go.ToVector(), gradient,
                 testing::SumTolerance(terms, gradient_absolute), "gradient in one go");
          expect(products_in_one_go.ToVector(), product,
                 2 * testing::SumTolerance(terms, product_absolute), "product in one go");
          expect(got.products, product, 2 * testing::SumTolerance(terms, product_absolute),
                 "product");
        }
      });
    }
  }
}

// Whether the results of an activation are read or made again: as if its gradient had been there.
TEST(Channels, GradientSumsGoThroughAnActivation) {
  for (const ChannelLayout layout : {ChannelLayout{1, 1}, ChannelLayout{611, 3},
                                     ChannelLayout{300, 17}, ChannelLayout{700, 70}}) {
    const std::size_t count = At(layout.rows * layout.channels);
    const std::size_t channels = At(layout.channels);
    Random random({.seed = 5, .purpose = RandomPurpose::kTest});
    std::vector<float> x(count), grad_y(count), mean(channels), scale(channels), bias(channels);
    for (std::vector<float>* values : {&x, &grad_y, &mean, &scale, &bias}) {
      for (float& value : *values) value = static_cast<float>(random.NextNormal());
    }
    Workspace workspace(2, 0);
    testing::ForEachCpuTarget([&] {
      GuardedFloats partials(At(ChannelPartialFloats(layout)));
      const auto sums_of = [&](const auto&... arguments) {
        std::vector<float> sums(channels), products(channels);
        ChannelGradientSums(layout, arguments..., sums.data(), products.data(), partials.data(),
                            workspace);
        sums.insert(sums.end(), products.begin(), products.end());
        return sums;
      };
      for (const Activation activation : testing::kAllActivations) {
        if (!HasGradientByResult(activation)) continue;
        ChannelScaling scaling = {.channels = layout.channels,
                                  .mean = mean.data(),
                                  .scale = scale.data(),
                                  .bias = bias.data(),
                                  .activation = activation,
                                  .slope = 0.3f};
        std::vector<float> y(count), grad(count), left(count);
        ScaleChannels(scaling, 0, layout.rows, x.data(), y.data());
        ActivationBackward(activation, 0.3f, nullptr, y.data(), grad_y.data(),
                           static_cast<std::int64_t>(count), grad.data());
        const ResultGradient of_results = {activation, 0.3f, y.data(), grad_y.data(), left.data()};
        const std::vector<float> made_again = IsPiecewiseLinear(activation)
                                                  ? sums_of(scaling, x.data(), grad_y.data())
                                                  : std::vector<float>();
        const std::vector<float> read = sums_of(x.data(), mean.data(), of_results);
        scaling.activation = Activation::kNone;
        const std::vector<float> expected = sums_of(scaling, x.data(), grad.data());
        EXPECT_TRUE(testing::SameBits(read, expected)) << static_cast<int>(activation);
        EXPECT_TRUE(testing::SameBits(left, grad)) << static_cast<int>(activation);
        if (!made_again.empty()) {
          EXPECT_TRUE(testing::SameBits(made_again, expected)) << static_cast<int>(activation);
        }
      }
    });
  }
}

TEST(Channels, AddToEachRow) {
  constexpr std::int64_t kRows = 5;
  for (const std::int64_t channels : {1, 3, 8, 15, 16, 17, 33, 64, 67}) {
    testing::ForEachCpuTarget([&] {
      GuardedFloats addend(At(channels)), x(At(kRows * channels));
      for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i);
      for (std::size_t c = 0; c < addend.size(); ++c) addend.data()[c] = static_cast<float>(7 * c);
      AddToRows(channels, 1, kRows, addend.data(), x.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const bool is_changed = i >= addend.size();
        const float added = is_changed ? addend.data()[i % addend.size()] : 0.0f;
        ASSERT_EQ(x.data()[i], static_cast<float>(i) + added) << channels << ": " << i;
      }
    });
  }
}

TEST(Channels, SumsOfTenMillionElementsKeepTheirDigits) {
  constexpr std::int64_t kCount = 10'000'000;
  std::vector<float> x(kCount);
  double mean = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = 10.0f + static_cast<float>(i * 37 % 1000) * 1e-3f;
    mean += static_cast<double>(x[i]);
  }
  mean /= kCount;
  double variance = 0.0;
  for (const float value : x) {
    variance += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  }
  variance /= kCount;
  testing::ForEachCpuTarget([&] {
    const ChannelLayout layout{kCount, 1};
    Workspace workspace(1, 0);
    std::vector<float> partials(At(ChannelPartialFloats(layout)));
    float got_mean = 0.0f, got_variance = 0.0f, got_sum = 0.0f;
    ChannelMoments(layout, x.data(), &got_mean, &got_variance, partials.data(), workspace);
    EXPECT_NEAR(static_cast<double>(got_mean), mean, 3e-7 * mean);
    EXPECT_NEAR(static_cast<double>(got_variance), variance, 1e-5 * variance);
    SumRows(layout, x.data(), &got_sum);
    EXPECT_NEAR(static_cast<double>(got_sum), mean * kCount, 3e-6 * mean * kCount);
  });
}

TEST(Channels, BitsDoNotDependOnTheWorkers) {
  for (const ChannelLayout layout : {ChannelLayout{20000, 7}, ChannelLayout{3000, 65}}) {
    std::vector<float> x(At(layout.rows * layout.channels));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.0f / static_cast<float>(i % 97 + 1);
    testing::ForEachCpuTarget([&] {
      const Statistics alone = Compute(layout, x.data(), x.data(), 1);
      for (const int workers : {2, 3, 5}) {
        const Statistics together = Compute(layout, x.data(), x.data(), workers);
        EXPECT_TRUE(testing::SameBits(alone.sums, together.sums));
        EXPECT_TRUE(testing::SameBits(alone.mean, together.mean));
        EXPECT_TRUE(testing::SameBits(alone.variance, together.variance));
        EXPECT_TRUE(testing::SameBits(alone.gradient_sums, together.gradient_sums));
        EXPECT_TRUE(testing::SameBits(alone.products, together.products));
      }
    });
  }
}

}  // namespace
}  // namespace espalier
