// SPDX-License-Identifier: Apache-2.0
#include "kernels/norms/layer_normalization.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "testing/normal_floats.h"
#include "testing/special_values.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;
using testing::SameBits;

constexpr std::size_t kRows = 3;
constexpr float kEpsilon = 1e-5f;

std::vector<float> NormalFloats(std::size_t size, std::uint32_t stream) {
  return testing::NormalFloats(size, {.seed = 31, .index = stream});
}

// All operands of kRows rows, each next to a guard.
struct Problem {
  Problem(std::size_t columns_in, GuardSide side)
      : columns(columns_in),
        x(NormalFloats(kRows * columns, 1), side),
        grad_y(NormalFloats(kRows * columns, 2), side),
        weight(NormalFloats(columns, 3), side),
        bias(NormalFloats(columns, 4), side),
        mean(kRows, side),
        variance(kRows, side),
        y(kRows * columns, side),
        grad_x(kRows * columns, side),
        grad_weight(columns, side),
        grad_bias(columns, side) {}

  void Run() {
    const auto count = static_cast<std::int64_t>(columns);
    const RowNormalization rows{.columns = count,
                                .epsilon = kEpsilon,
                                .mean = mean.data(),
                                .variance = variance.data(),
                                .weight = weight.data(),
                                .bias = bias.data()};
    RowMoments(count, 0, kRows, x.data(), mean.data(), variance.data());
    NormalizeRows(rows, 0, kRows, x.data(), y.data());
    NormalizeRowsBackward(rows, 0, kRows, x.data(), grad_y.data(), grad_x.data());
    NormalizeRowsBackwardParameters(rows, kRows, 0, count, x.data(), grad_y.data(),
                                    grad_weight.data(), grad_bias.data());
  }

  std::span<const float> Row(GuardedFloats& floats, std::size_t row) const {
    return floats.span().subspan(row * columns, columns);
  }

  std::size_t columns;
  GuardedFloats x, grad_y, weight, bias, mean, variance, y, grad_x, grad_weight, grad_bias;
};

TEST(LayerNormalization, EqualsTheFormulaAtEveryLength) {
  testing::ForEachGuardedLength([](std::size_t columns, GuardSide side) {
    if (columns < 2) return;  // no variance, so nothing but the rounding of the mean
    Problem p(columns, side);
    p.Run();
    std::vector<double> grad_weight(columns), grad_bias(columns);
    const double n = static_cast<double>(columns);
    for (std::size_t row = 0; row < kRows; ++row) {
      const auto x = testing::ToDouble(p.Row(p.x, row));
      const auto grad_y = testing::ToDouble(p.Row(p.grad_y, row));
      double mean = 0.0;
      for (const double value : x) mean += value / n;
      double variance = 0.0;
      for (const double value : x) variance += (value - mean) * (value - mean) / n;
      const double root = std::sqrt(variance + static_cast<double>(kEpsilon));
      double h_mean = 0.0;
      double product_mean = 0.0;
      for (std::size_t j = 0; j < columns; ++j) {
        const double h = grad_y[j] * p.weight.data()[j];
        h_mean += h / n;
        product_mean += h * (x[j] - mean) / root / n;
      }
      std::vector<double> y(columns), grad_x(columns);
      double size = 0.0;  // of the terms of grad_x, which may cancel
      for (std::size_t j = 0; j < columns; ++j) {
        const double normalized = (x[j] - mean) / root;
        size = std::max(size, std::abs(grad_y[j] * p.weight.data()[j] / root));
        y[j] = p.weight.data()[j] * normalized + p.bias.data()[j];
        grad_x[j] = (grad_y[j] * p.weight.data()[j] - h_mean - normalized * product_mean) / root;
        grad_weight[j] += grad_y[j] * normalized;
        grad_bias[j] += grad_y[j];
      }
      ASSERT_TRUE(testing::IsClose(p.mean.data()[row], mean, 1e-6, 1e-6));
      ASSERT_TRUE(testing::IsClose(p.variance.data()[row], variance, 2e-6, 0.0));
      ASSERT_EQ(testing::FirstFar(p.Row(p.y, row), y), -1);
      ASSERT_EQ(testing::FirstFar(p.Row(p.grad_x, row), grad_x, 0.0, 1e-5 * size), -1);
    }
    ASSERT_EQ(testing::FirstFar(p.grad_weight.ToVector(), grad_weight), -1);
    ASSERT_EQ(testing::FirstFar(p.grad_bias.ToVector(), grad_bias), -1);
  });
}

// One special value spoils its own row where it is not finite, and no other row in any case. The
// gradients of the greatest floats are products beyond float's range.
TEST(LayerNormalization, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t columns, GuardSide side) {
    Problem clean(columns, side);
    clean.Run();
    Problem p(columns, side);
    for (std::size_t lane = 0; lane < columns; ++lane) {
      const std::size_t row = lane % kRows;
      float& x = p.x.data()[row * columns + lane];
      const float ordinary = x;
      for (const float special : testing::kSpecialFloats) {
        x = special;
        p.Run();
        for (std::size_t other = 0; other < kRows; ++other) {
          if (other == row) continue;
          ASSERT_TRUE(SameBits(p.Row(p.y, other), p.Row(clean.y, other)));
          ASSERT_TRUE(SameBits(p.Row(p.grad_x, other), p.Row(clean.grad_x, other)));
        }
        for (const float value : p.Row(p.y, row)) {
          if (!std::isfinite(special)) {
            ASSERT_TRUE(std::isnan(value)) << special << " at " << lane;
          } else {
            ASSERT_TRUE(std::isfinite(value)) << special << " at " << lane;
          }
        }
        if (std::isfinite(special) && std::abs(special) > 1e30f) continue;
        for (const float value : p.Row(p.grad_x, row)) {
          ASSERT_EQ(std::isfinite(value), std::isfinite(special)) << special << " at " << lane;
        }
        for (std::size_t j = 0; j < columns; ++j) {
          ASSERT_EQ(std::isfinite(p.grad_weight.data()[j]), std::isfinite(special));
        }
        ASSERT_TRUE(SameBits(p.grad_bias.span(), clean.grad_bias.span()));
      }
      x = ordinary;
    }
  });
}

}  // namespace
}  // namespace espalier
