// SPDX-License-Identifier: Apache-2.0
#include "kernels/norms/rms_normalization.h"

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
constexpr float kEpsilon = 1e-6f;

std::vector<float> NormalFloats(std::size_t size, std::uint32_t stream) {
  return testing::NormalFloats(size, {.seed = 32, .index = stream});
}

// All operands of kRows rows, each next to a guard.
struct Problem {
  Problem(std::size_t columns_in, GuardSide side)
      : columns(columns_in),
        x(NormalFloats(kRows * columns, 1), side),
        grad_y(NormalFloats(kRows * columns, 2), side),
        weight(NormalFloats(columns, 3), side),
        scale(kRows, side),
        y(kRows * columns, side),
        grad_x(kRows * columns, side),
        grad_weight(columns, side) {}

  void Run() {
    const auto count = static_cast<std::int64_t>(columns);
    const RmsNormalization rows{.columns = count, .epsilon = kEpsilon, .weight = weight.data()};
    RmsNormalizeRows(rows, 0, kRows, x.data(), y.data(), scale.data());
    RmsNormalizeRowsBackward(rows, 0, kRows, x.data(), scale.data(), grad_y.data(), grad_x.data());
    RmsNormalizeRowsBackwardWeight(rows, kRows, 0, count, x.data(), scale.data(), grad_y.data(),
                                   grad_weight.data());
  }

  std::span<const float> Row(GuardedFloats& floats, std::size_t row) const {
    return floats.span().subspan(row * columns, columns);
  }

  std::size_t columns;
  GuardedFloats x, grad_y, weight, scale, y, grad_x, grad_weight;
};

TEST(RmsNormalization, EqualsTheFormulaAtEveryLength) {
  testing::ForEachGuardedLength([](std::size_t columns, GuardSide side) {
    if (columns == 0) return;
    Problem p(columns, side);
    p.Run();
    std::vector<double> grad_weight(columns);
    const double n = static_cast<double>(columns);
    for (std::size_t row = 0; row < kRows; ++row) {
      const auto x = testing::ToDouble(p.Row(p.x, row));
      const auto grad_y = testing::ToDouble(p.Row(p.grad_y, row));
      double square = 0.0;
      double product = 0.0;
      for (std::size_t j = 0; j < columns; ++j) {
        square += x[j] * x[j] / n;
        product += grad_y[j] * p.weight.data()[j] * x[j] / n;
      }
      const double scale = 1.0 / std::sqrt(square + static_cast<double>(kEpsilon));
      std::vector<double> y(columns), grad_x(columns);
      double size = 0.0;  // of the terms of grad_x, which may cancel
      for (std::size_t j = 0; j < columns; ++j) {
        const double h = grad_y[j] * p.weight.data()[j];
        y[j] = p.weight.data()[j] * x[j] * scale;
        grad_x[j] = scale * (h - x[j] * product * scale * scale);
        grad_weight[j] += grad_y[j] * x[j] * scale;
        size = std::max(size, std::abs(h * scale));
      }
      ASSERT_TRUE(testing::IsClose(p.scale.data()[row], scale, 1e-6, 0.0));
      ASSERT_EQ(testing::FirstFar(p.Row(p.y, row), y), -1);
      ASSERT_EQ(testing::FirstFar(p.Row(p.grad_x, row), grad_x, 0.0, 1e-5 * size), -1);
    }
    ASSERT_EQ(testing::FirstFar(p.grad_weight.ToVector(), grad_weight), -1);
  });
}

// One special value spoils its own row where it is not finite, and no other row in any case.
TEST(RmsNormalization, SpecialValuesInEveryLaneOfEveryLength) {
  testing::ForEachGuardedLength([](std::size_t columns, GuardSide side) {
    if (columns == 0) return;
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
        ASSERT_EQ(std::isnan(p.Row(p.y, row)[lane]), !std::isfinite(special)) << special;
      }
      x = ordinary;
    }
  });
}

}  // namespace
}  // namespace espalier
