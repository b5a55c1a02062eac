// SPDX-License-Identifier: Apache-2.0
#include "kernels/reductions/axis_reduction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"
#include "testing/normal_floats.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

constexpr std::int64_t kSizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 33, 64, 65, 1031};
constexpr std::int64_t kInner[] = {1, 2, 3, 8, 15, 16, 17, 33};

std::size_t At(std::int64_t i) { return static_cast<std::size_t>(i); }

// All operands of one array, each next to a guard.
struct Problem {
  Problem(const ReductionRows& rows_in, GuardSide side)
      : rows(rows_in),
        size(At(rows.size)),
        inner(At(rows.inner)),
        x(testing::NormalFloats(size * inner, {.seed = 3, .index = 1}), side),
        y(inner, side),
        grad_y(testing::NormalFloats(inner, {.seed = 3, .index = 2}), side),
        scratch(inner, side),
        grad_x(size * inner, side) {}

  double X(std::size_t i, std::size_t j) const {
    return static_cast<double>(x.data()[i * inner + j]);
  }

  ReductionRows rows;
  std::size_t size, inner;
  GuardedFloats x, y, grad_y, scratch, grad_x;
};

template <typename Test>
void ForProblems(Test test) {
  testing::ForEachCpuTarget([&] {
    for (const std::int64_t size : kSizes) {
      for (const std::int64_t inner : kInner) {
        for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
          Problem problem({.size = size, .inner = inner}, side);
          test(problem);
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

TEST(AxisReduction, Reduces) {
  ForProblems([](Problem& p) {
    for (const Reduction reduction :
         {Reduction::kSum, Reduction::kSumOfSquares, Reduction::kMax, Reduction::kMin}) {
      ReduceRows(reduction, p.rows, p.x.data(), p.y.data());
      for (std::size_t j = 0; j < p.inner; ++j) {
        double expected = 0.0;
        if (reduction == Reduction::kMax || reduction == Reduction::kMin) expected = p.X(0, j);
        for (std::size_t i = 0; i < p.size; ++i) {
          const double value = p.X(i, j);
          if (reduction == Reduction::kSum) expected += value;
          if (reduction == Reduction::kSumOfSquares) expected += value * value;
          if (reduction == Reduction::kMax) expected = std::max(expected, value);
          if (reduction == Reduction::kMin) expected = std::min(expected, value);
        }
        ASSERT_TRUE(testing::IsClose(p.y.data()[j], expected, 1e-6, 2e-5))
            << p.size << " x " << p.inner << ": " << j;
      }
    }
  });
}

// In every lane: NaN wins; infinity is a sum, and the largest.
TEST(AxisReduction, SpecialValues) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  ForProblems([](Problem& p) {
    if (p.size > 100) return;
    for (std::size_t i = 0; i < p.size; ++i) {
      const std::size_t j = i % p.inner;
      float& x = p.x.data()[i * p.inner + j];
      const float before = x;
      for (const Reduction reduction :
           {Reduction::kSum, Reduction::kSumOfSquares, Reduction::kMax, Reduction::kMin}) {
        x = kNaN;
        ReduceRows(reduction, p.rows, p.x.data(), p.y.data());
        for (std::size_t k = 0; k < p.inner; ++k) {
          ASSERT_EQ(std::isnan(p.y.data()[k]), k == j) << i << ", " << k;
        }
        if (reduction == Reduction::kMin) continue;
        x = kInfinity;
        ReduceRows(reduction, p.rows, p.x.data(), p.y.data());
        for (std::size_t k = 0; k < p.inner; ++k) {
          ASSERT_EQ(p.y.data()[k] == kInfinity, k == j) << i << ", " << k;
        }
      }
      x = before;
    }
  });
}

TEST(AxisReduction, Spreads) {
  ForProblems([](Problem& p) {
    SpreadRows(p.rows, 0.25f, p.grad_y.data(), p.grad_x.data());
    for (std::size_t i = 0; i < p.size * p.inner; ++i) {
      ASSERT_EQ(p.grad_x.data()[i], 0.25f * p.grad_y.data()[i % p.inner]) << i;
    }
  });
}

TEST(AxisReduction, RoutesToTheFirst) {
  ForProblems([](Problem& p) {
    for (std::size_t i = 0; i < p.x.size(); ++i) p.x.data()[i] = static_cast<float>(i * 7 % 5);
    ReduceRows(Reduction::kMax, p.rows, p.x.data(), p.y.data());
    RouteRows(p.rows, p.x.data(), p.y.data(), p.grad_y.data(), p.scratch.data(), p.grad_x.data());
    for (std::size_t j = 0; j < p.inner; ++j) {
      bool is_taken = false;
      for (std::size_t i = 0; i < p.size; ++i) {
        const bool takes = !is_taken && p.x.data()[i * p.inner + j] == p.y.data()[j];
        ASSERT_EQ(p.grad_x.data()[i * p.inner + j], takes ? p.grad_y.data()[j] : 0.0f);
        is_taken |= takes;
      }
    }
  });
}

TEST(AxisReduction, ScalesByTheNorm) {
  ForProblems([](Problem& p) {
    for (std::size_t i = 0; i < p.size; ++i) p.x.data()[i * p.inner] = 0.0f;
    ReduceRows(Reduction::kSumOfSquares, p.rows, p.x.data(), p.y.data());
    for (std::size_t j = 0; j < p.inner; ++j) p.y.data()[j] = std::sqrt(p.y.data()[j]);
    ScaleRows(p.rows, p.x.data(), p.y.data(), p.grad_y.data(), p.scratch.data(), p.grad_x.data());
    for (std::size_t j = 0; j < p.inner; ++j) {
      for (std::size_t i = 0; i < p.size; ++i) {
        const double norm = static_cast<double>(p.y.data()[j]);
        const double expected =
            norm == 0.0 ? 0.0 : p.X(i, j) * static_cast<double>(p.grad_y.data()[j]) / norm;
        ASSERT_TRUE(testing::IsClose(p.grad_x.data()[i * p.inner + j], expected)) << i;
      }
    }
  });
}

}  // namespace
}  // namespace espalier
