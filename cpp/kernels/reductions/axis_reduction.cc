// SPDX-License-Identifier: Apache-2.0
#include "kernels/reductions/axis_reduction.h"

#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reductions/axis_reduction.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr std::size_t kBlock = 64;  // terms added up in plain float

// Calls body(first column, count) for each vector of columns.
template <class Body>
HWY_INLINE void ForVectors(std::size_t columns, Body body) {
  const std::size_t lanes = hn::Lanes(D());
  for (std::size_t j = 0; j < columns; j += lanes) body(j, HWY_MIN(lanes, columns - j));
}

struct Plain {
  static HWY_INLINE V Add(V x, V sum) { return hn::Add(x, sum); }
};

struct Squares {
  static HWY_INLINE V Add(V x, V sum) { return hn::MulAdd(x, x, sum); }
};

struct Greatest {
  static HWY_INLINE V First() { return hn::Set(D(), -std::numeric_limits<float>::infinity()); }
  static HWY_INLINE V Choose(V x, V best) {
    return hn::IfThenElse(hn::Or(hn::Gt(x, best), hn::IsNaN(x)), x, best);
  }
};

struct Least {
  static HWY_INLINE V First() { return hn::Set(D(), std::numeric_limits<float>::infinity()); }
  static HWY_INLINE V Choose(V x, V best) {
    return hn::IfThenElse(hn::Or(hn::Lt(x, best), hn::IsNaN(x)), x, best);
  }
};

// A vector of columns from row to row.
template <class Term>
void SumDown(std::size_t size, std::size_t inner, const float* x, float* y) {
  const D d;
  ForVectors(inner, [&](std::size_t j, std::size_t count) HWY_ATTR {
    V total = hn::Zero(d);
    V lost = hn::Zero(d);
    for (std::size_t begin = 0; begin < size; begin += kBlock) {
      V block = hn::Zero(d);
      for (std::size_t i = begin; i < HWY_MIN(size, begin + kBlock); ++i) {
        block = Term::Add(LoadFirst(d, x + i * inner + j, count), block);
      }
      // Kahan's summation, Comm. ACM 8, 1965; what is lost beside infinity is NaN.
      const V next = hn::Sub(block, lost);
      const V sum = hn::Add(total, next);
      lost = hn::Sub(hn::Sub(sum, total), next);
      lost = hn::IfThenElseZero(hn::IsFinite(lost), lost);
      total = sum;
    }
    StoreFirst(total, d, y + j, count);
  });
}

// Neighbors.
template <class Term>
void SumAlong(std::size_t size, const float* x, float* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  double total = 0.0;
  for (std::size_t begin = 0; begin < size; begin += kBlock * lanes) {
    const std::size_t end = HWY_MIN(size, begin + kBlock * lanes);
    V sum = hn::Zero(d);
    for (std::size_t i = begin; i < end; i += lanes) {
      sum = Term::Add(LoadFirst(d, x + i, HWY_MIN(lanes, end - i)), sum);
    }
    total += static_cast<double>(hn::ReduceSum(d, sum));
  }
  *y = static_cast<float>(total);
}

// kVectors vectors of columns, or `count` columns of the last.
template <class Choice, std::size_t kVectors>
HWY_INLINE void ChooseColumns(std::size_t size, std::size_t inner, std::size_t count,
                              const float* x, float* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V best[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) best[v] = Choice::First();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      best[v] = Choice::Choose(LoadFirst(d, x + i * inner + v * lanes, count), best[v]);
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) StoreFirst(best[v], d, y + v * lanes, count);
}

template <class Choice>
void ChooseDown(std::size_t size, std::size_t inner, const float* x, float* y) {
  const std::size_t lanes = hn::Lanes(D());
  constexpr std::size_t kGroup = 4;  // hides the latency of the comparisons
  std::size_t j = 0;
  for (; j + kGroup * lanes <= inner; j += kGroup * lanes) {
    ChooseColumns<Choice, kGroup>(size, inner, lanes, x + j, y + j);
  }
  for (; j < inner; j += lanes) {
    ChooseColumns<Choice, 1>(size, inner, HWY_MIN(lanes, inner - j), x + j, y + j);
  }
}

template <class Choice>
void ChooseAlong(std::size_t size, const float* x, float* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float of_lanes[hn::MaxLanes(D())];
  V best = Choice::First();
  for (std::size_t i = 0; i < size; i += lanes) {
    const std::size_t count = HWY_MIN(lanes, size - i);
    const V value = hn::IfThenElse(hn::FirstN(d, count), LoadFirst(d, x + i, count), best);
    best = Choice::Choose(value, best);
  }
  hn::Store(best, d, of_lanes);
  ChooseDown<Choice>(lanes, 1, of_lanes, y);
}

void ReduceKernel(Reduction reduction, std::size_t size, std::size_t inner, const float* x,
                  float* y) {
  const bool is_along = inner == 1;
  switch (reduction) {
    case Reduction::kSum:
      return is_along ? SumAlong<Plain>(size, x, y) : SumDown<Plain>(size, inner, x, y);
    case Reduction::kSumOfSquares:
      return is_along ? SumAlong<Squares>(size, x, y) : SumDown<Squares>(size, inner, x, y);
    case Reduction::kMax:
      return is_along ? ChooseAlong<Greatest>(size, x, y) : ChooseDown<Greatest>(size, inner, x, y);
    case Reduction::kMin:
      return is_along ? ChooseAlong<Least>(size, x, y) : ChooseDown<Least>(size, inner, x, y);
  }
}

// x · factor[j], or factor[j] alone, in each row.
template <bool kOfX>
HWY_INLINE void Spread(std::size_t size, std::size_t inner, const float* x, const float* factors,
                       float* grad_x) {
  const D d;
  const V only = hn::Set(d, factors[0]);
  if (inner == 1) {
    ForVectors(size, [&](std::size_t i, std::size_t count) HWY_ATTR {
      StoreFirst(kOfX ? hn::Mul(LoadFirst(d, x + i, count), only) : only, d, grad_x + i, count);
    });
    return;
  }
  for (std::size_t i = 0; i < size; ++i) {
    ForVectors(inner, [&](std::size_t j, std::size_t count) HWY_ATTR {
      V value = LoadFirst(d, factors + j, count);
      if constexpr (kOfX) value = hn::Mul(value, LoadFirst(d, x + i * inner + j, count));
      StoreFirst(value, d, grad_x + i * inner + j, count);
    });
  }
}

void SpreadKernel(std::size_t size, std::size_t inner, float factor, const float* grad_y,
                  float* grad_x) {
  const D d;
  const V factors = hn::Set(d, factor);
  ForVectors(inner, [&](std::size_t j, std::size_t count) HWY_ATTR {
    StoreFirst(hn::Mul(LoadFirst(d, grad_y + j, count), factors), d, grad_x + j, count);
  });
  const float first = grad_x[0];
  if (inner == 1) {
    Spread<false>(size, 1, nullptr, &first, grad_x);
  } else if (size > 1) {
    Spread<false>(size - 1, inner, nullptr, grad_x, grad_x + inner);
  }
}

void RouteKernel(std::size_t size, std::size_t inner, const float* x, const float* y,
                 const float* grad_y, float* taken, float* grad_x) {
  const D d;
  for (std::size_t j = 0; j < inner; ++j) taken[j] = 0.0f;
  for (std::size_t i = 0; i < size; ++i) {
    ForVectors(inner, [&](std::size_t j, std::size_t count) HWY_ATTR {
      const V before = LoadFirst(d, taken + j, count);
      const auto equal = hn::Eq(LoadFirst(d, x + i * inner + j, count), LoadFirst(d, y + j, count));
      const auto is_first = hn::And(equal, hn::Eq(before, hn::Zero(d)));
      StoreFirst(hn::IfThenElseZero(is_first, LoadFirst(d, grad_y + j, count)), d,
                 grad_x + i * inner + j, count);
      StoreFirst(hn::IfThenElse(is_first, hn::Set(d, 1.0f), before), d, taken + j, count);
    });
  }
}

void ScaleKernel(std::size_t size, std::size_t inner, const float* x, const float* y,
                 const float* grad_y, float* quotient, float* grad_x) {
  const D d;
  ForVectors(inner, [&](std::size_t j, std::size_t count) HWY_ATTR {
    const V norm = LoadFirst(d, y + j, count);
    const V value = hn::Div(LoadFirst(d, grad_y + j, count), norm);
    StoreFirst(hn::IfThenZeroElse(hn::Eq(norm, hn::Zero(d)), value), d, quotient + j, count);
  });
  Spread<true>(size, inner, x, quotient, grad_x);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

std::size_t Size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

void ReduceRows(Reduction reduction, const ReductionRows& rows, const float* x, float* y) {
  ESPALIER_KERNEL(ReduceKernel)(reduction, Size(rows.size), Size(rows.inner), x, y);
}

void SpreadRows(const ReductionRows& rows, float factor, const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(SpreadKernel)(Size(rows.size), Size(rows.inner), factor, grad_y, grad_x);
}

void RouteRows(const ReductionRows& rows, const float* x, const float* y, const float* grad_y,
               float* taken, float* grad_x) {
  ESPALIER_KERNEL(RouteKernel)(Size(rows.size), Size(rows.inner), x, y, grad_y, taken, grad_x);
}

void ScaleRows(const ReductionRows& rows, const float* x, const float* y, const float* grad_y,
               float* quotient, float* grad_x) {
  ESPALIER_KERNEL(ScaleKernel)(Size(rows.size), Size(rows.inner), x, y, grad_y, quotient, grad_x);
}

}  // namespace espalier
#endif
