// SPDX-License-Identifier: Apache-2.0
#include "kernels/copies/interpolation.h"

#include <gtest/gtest.h>

#include <vector>

#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

constexpr std::int64_t kChannels[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 67};
constexpr AxisSample kColumns[] = {{.low = 0, .step = 1, .weight = 0.25f},
                                   {.low = 2, .step = 0, .weight = 0.5f},
                                   {.low = 1, .step = 1, .weight = 0.75f}};
constexpr std::int64_t kWidth = 3;

std::size_t At(std::int64_t i) { return static_cast<std::size_t>(i); }

// Two rows of three pixels, and three outputs between them, each array next to a guard.
struct Problem {
  Problem(std::int64_t channels, GuardSide side)
      : x(At(2 * kWidth * channels), side),
        y(At(kWidth * channels), side),
        row{.channels = channels,
            .width = kWidth,
            .columns = kColumns,
            .row = {.low_row = 0, .high_row = kWidth * channels, .weight = 0.375f}} {
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i % 29) - 7.0f;
  }

  GuardedFloats x, y;
  SampledRow row;
};

// The weights of the pixels that output `column` reads, [2, 3].
std::vector<double> Weights(std::size_t column, double down) {
  const AxisSample& sample = kColumns[column];
  std::vector<double> weights(2 * kWidth);
  for (const bool is_lower : {false, true}) {
    const double row = is_lower ? down : 1.0 - down;
    const auto low = At(sample.low) + (is_lower ? kWidth : 0);
    weights[low] += row * (1.0 - static_cast<double>(sample.weight));
    weights[low + At(sample.step)] += row * static_cast<double>(sample.weight);
  }
  return weights;
}

template <typename Test>
void ForProblems(Test test) {
  testing::ForEachCpuTarget([&] {
    for (const std::int64_t channels : kChannels) {
      for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
        Problem problem(channels, side);
        test(problem, At(channels));
      }
    }
  });
}

TEST(Interpolation, BlendsFourPixels) {
  ForProblems([](Problem& p, std::size_t channels) {
    InterpolateRow(p.row, p.x.data(), p.y.data());
    for (std::size_t i = 0; i < p.y.size(); ++i) {
      const auto weights = Weights(i / channels, 0.375);
      double expected = 0.0;
      for (std::size_t k = 0; k < weights.size(); ++k) {
        expected += weights[k] * static_cast<double>(p.x.data()[k * channels + i % channels]);
      }
      ASSERT_TRUE(testing::IsClose(p.y.data()[i], expected)) << channels << ": " << i;
    }
  });
}

TEST(Interpolation, ItsGradientIsAddedToFourPixels) {
  ForProblems([](Problem& p, std::size_t channels) {
    const std::vector<float> before = p.x.ToVector();
    for (std::size_t i = 0; i < p.y.size(); ++i) p.y.data()[i] = static_cast<float>(i % 13);
    InterpolateRowBackward(p.row, p.y.data(), p.x.data());
    for (std::size_t k = 0; k < p.x.size(); ++k) {
      double expected = static_cast<double>(before[k]);
      for (std::size_t column = 0; column < kWidth; ++column) {
        expected += Weights(column, 0.375)[k / channels] *
                    static_cast<double>(p.y.data()[column * channels + k % channels]);
      }
      ASSERT_TRUE(testing::IsClose(p.x.data()[k], expected)) << channels << ": " << k;
    }
  });
}

TEST(Interpolation, PicksAndAddsWhereItPicked) {
  ForProblems([](Problem& p, std::size_t channels) {
    PickRow(p.row, p.x.data(), p.y.data());
    for (std::size_t i = 0; i < p.y.size(); ++i) {
      const std::size_t from = At(kColumns[i / channels].low) * channels + i % channels;
      ASSERT_EQ(p.y.data()[i], p.x.data()[from]);
    }
    const std::vector<float> before = p.x.ToVector();
    PickRowBackward(p.row, p.y.data(), p.x.data());
    for (std::size_t k = 0; k < p.x.size(); ++k) {
      const bool is_picked = k < p.x.size() / 2;  // each of the upper row, once
      ASSERT_EQ(p.x.data()[k], is_picked ? 2.0f * before[k] : before[k]);
    }
  });
}

}  // namespace
}  // namespace espalier
