// SPDX-License-Identifier: Apache-2.0
#include "kernels/channels.h"

#include <gtest/gtest.h>

#include <vector>

#include "testing/cpu_targets.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

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
    for (const ChannelLayout layout : {ChannelLayout{1, 1, kCount}, ChannelLayout{kCount, 1, 1},
                                       ChannelLayout{1000, 1, 10000}}) {
      float got_mean = 0.0f, got_variance = 0.0f;
      ChannelMoments(layout, 0, 1, x.data(), &got_mean, &got_variance);
      EXPECT_NEAR(static_cast<double>(got_mean), mean, 3e-6 * mean) << layout.batch;
      EXPECT_NEAR(static_cast<double>(got_variance), variance, 1e-5 * variance) << layout.batch;
    }
  });
}

TEST(Channels, BitsDoNotDependOnTheRange) {
  for (const ChannelLayout layout : {ChannelLayout{9, 37, 1}, ChannelLayout{3, 37, 21}}) {
    std::vector<float> x(static_cast<std::size_t>(layout.per_channel() * layout.channels));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.0f / static_cast<float>(i % 97 + 1);
    testing::ForEachCpuTarget([&] {
      std::vector<float> together(37), alone(37);
      ChannelSums(layout, 0, 37, x.data(), together.data());
      for (std::int64_t c = 0; c < 37; ++c) ChannelSums(layout, c, c + 1, x.data(), alone.data());
      EXPECT_TRUE(testing::SameBits(together, alone));
    });
  }
}

}  // namespace
}  // namespace espalier
