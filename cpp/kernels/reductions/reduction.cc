// SPDX-License-Identifier: Apache-2.0
#include "kernels/reductions/reduction.h"

#include <limits>

#include "kernels/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reductions/reduction.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Squares of floats never overflow in double, so the sum shows exactly the inputs' non-finite
// values. Four sums hide the latency of the additions.
template <typename Transform>
double SumSquares(const float* HWY_RESTRICT x, std::size_t count, Transform transform) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> df;  // half a vector: promotes to a whole one
  const std::size_t lanes = hn::Lanes(dd);
  auto sum0 = hn::Zero(dd);
  auto sum1 = hn::Zero(dd);
  auto sum2 = hn::Zero(dd);
  auto sum3 = hn::Zero(dd);
  const auto add = [&](auto values, auto sum) HWY_ATTR {
    const auto wide = hn::PromoteTo(dd, transform(df, values));
    return hn::MulAdd(wide, wide, sum);
  };
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    sum0 = add(hn::LoadU(df, x + i), sum0);
    sum1 = add(hn::LoadU(df, x + i + lanes), sum1);
    sum2 = add(hn::LoadU(df, x + i + 2 * lanes), sum2);
    sum3 = add(hn::LoadU(df, x + i + 3 * lanes), sum3);
  }
  for (; i < count; i += lanes) {
    sum0 = add(hn::LoadN(df, x + i, count - i), sum0);
  }
  return hn::ReduceSum(dd, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3)));
}

// Sums of kTerms squares in float, those in double: three times as fast as squares in double,
// which costs up to kTerms roundings of each. It holds where no square leaves float's range.
double QuickSumOfSquares(const float* HWY_RESTRICT x, std::size_t count) {
  constexpr std::size_t kTerms = 4;
  const hn::ScalableTag<float> d;
  const hn::RepartitionToWide<decltype(d)> dd;
  const std::size_t lanes = hn::Lanes(d);
  auto lower = hn::Zero(dd);
  auto upper = hn::Zero(dd);
  for (std::size_t i = 0; i < count; i += kTerms * lanes) {
    auto sum = hn::Zero(d);
    if (i + kTerms * lanes <= count) {
      HWY_UNROLL(4)
      for (std::size_t t = 0; t < kTerms; ++t) {
        const auto values = hn::LoadU(d, x + i + t * lanes);
        sum = hn::MulAdd(values, values, sum);
      }
    } else {
      for (std::size_t j = i; j < count; j += lanes) {
        const auto values = hn::LoadN(d, x + j, count - j);
        sum = hn::MulAdd(values, values, sum);
      }
    }
    lower = hn::Add(lower, hn::PromoteLowerTo(dd, sum));
    upper = hn::Add(upper, hn::PromoteUpperTo(dd, sum));
  }
  return hn::ReduceSum(dd, hn::Add(lower, upper));
}

double DotProductKernel(const float* HWY_RESTRICT x, const float* HWY_RESTRICT y,
                        std::size_t count) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> df;
  const std::size_t lanes = hn::Lanes(dd);
  auto sum0 = hn::Zero(dd);
  auto sum1 = hn::Zero(dd);
  const auto add = [&](auto a, auto b, auto sum) HWY_ATTR {
    return hn::MulAdd(hn::PromoteTo(dd, a), hn::PromoteTo(dd, b), sum);
  };
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    sum0 = add(hn::LoadU(df, x + i), hn::LoadU(df, y + i), sum0);
    sum1 = add(hn::LoadU(df, x + i + lanes), hn::LoadU(df, y + i + lanes), sum1);
  }
  for (; i < count; i += lanes) {
    sum0 = add(hn::LoadN(df, x + i, count - i), hn::LoadN(df, y + i, count - i), sum0);
  }
  return hn::ReduceSum(dd, hn::Add(sum0, sum1));
}

double SumOfSquaresKernel(const float* x, std::size_t count) {
  // What underflows is less than 1e-37 a term: nothing beside this.
  constexpr double kLeast = 1e-20;
  const double sum = QuickSumOfSquares(x, count);
  if (sum >= kLeast && sum < std::numeric_limits<double>::infinity()) return sum;
  return SumSquares(x, count, [](auto, auto values) HWY_ATTR { return values; });
}

double ClampedSumOfSquaresKernel(const float* x, std::size_t count, float limit) {
  return SumSquares(x, count, [limit](auto d, auto values) HWY_ATTR {
    return hn::Min(hn::Max(values, hn::Set(d, -limit)), hn::Set(d, limit));
  });
}

// 0·x is 0 for a finite x and NaN for any other, and NaN stays through sums.
bool AllFiniteKernel(const float* HWY_RESTRICT x, std::size_t count) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto zero = hn::Zero(d);
  auto sum0 = zero;
  auto sum1 = zero;
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, x + i), zero, sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, x + i + lanes), zero, sum1);
  }
  for (; i < count; i += lanes) {
    sum0 = hn::MulAdd(hn::LoadN(d, x + i, count - i), zero, sum0);
  }
  return hn::AllTrue(d, hn::Eq(hn::Add(sum0, sum1), zero));
}

void ColumnSumsKernel(const float* HWY_RESTRICT x, std::size_t rows, std::size_t columns,
                      std::size_t stride, float* HWY_RESTRICT sums) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t j = 0; j < columns; j += lanes) {
    auto sum = hn::Zero(d);
    if (j + lanes <= columns) {
      for (std::size_t row = 0; row < rows; ++row) {
        sum = hn::Add(sum, hn::LoadU(d, x + row * stride + j));
      }
      hn::StoreU(sum, d, sums + j);
    } else {
      for (std::size_t row = 0; row < rows; ++row) {
        sum = hn::Add(sum, hn::LoadN(d, x + row * stride + j, columns - j));
      }
      hn::StoreN(sum, d, sums + j, columns - j);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

double SumOfSquares(const float* x, std::int64_t count) {
  return ESPALIER_KERNEL(SumOfSquaresKernel)(x, static_cast<std::size_t>(count));
}

double DotProduct(const float* x, const float* y, std::int64_t count) {
  return ESPALIER_KERNEL(DotProductKernel)(x, y, static_cast<std::size_t>(count));
}

double ClampedSumOfSquares(const float* x, std::int64_t count, float limit) {
  return ESPALIER_KERNEL(ClampedSumOfSquaresKernel)(x, static_cast<std::size_t>(count), limit);
}

bool AllFinite(const float* x, std::int64_t count) {
  return ESPALIER_KERNEL(AllFiniteKernel)(x, static_cast<std::size_t>(count));
}

void ColumnSums(const float* x, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                float* sums) {
  ESPALIER_KERNEL(ColumnSumsKernel)
  (x, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns),
   static_cast<std::size_t>(stride), sums);
}

}  // namespace espalier
#endif  // HWY_ONCE
