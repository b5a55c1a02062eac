// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/binary.h"

#include <cmath>
#include <cstddef>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/binary.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"
#include "kernels/elementwise/power-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// As std::fmod, of which binaries from glibc 2.38 on need that version's; this one's is old. The
// multiple nearest to a is exact, and so is the sum, since floats can say what fmod is.
inline float RestOfQuotient(float a, float b) {
  const float divisor = std::abs(b);
  float rest = std::remainder(std::abs(a), divisor);
  if (rest < 0.0f) rest += divisor;
  return std::copysign(rest, a);
}

// Lane by lane: exact for quotients of any size, and asked for rarely.
template <Binary kFunction>
HWY_INLINE V RemainderOf(D d, V a, V b) {
  constexpr size_t kMostLanes = HWY_MAX_BYTES / sizeof(float);
  HWY_ALIGN float x[kMostLanes];
  HWY_ALIGN float y[kMostLanes];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    float rest = RestOfQuotient(x[i], y[i]);
    if (kFunction == Binary::kRemainder && rest != 0.0f && (rest < 0.0f) != (y[i] < 0.0f)) {
      rest += y[i];
    }
    x[i] = rest;
  }
  return hn::Load(d, x);
}

// Comparisons rather than Min and Max, which drop NaN on some targets.
template <Binary kFunction>
struct Result {
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (kFunction == Binary::kAdd) return hn::Add(a, b);
    if constexpr (kFunction == Binary::kSub) return hn::Sub(a, b);
    if constexpr (kFunction == Binary::kMul) return hn::Mul(a, b);
    if constexpr (kFunction == Binary::kDiv) return hn::Div(a, b);
    if constexpr (kFunction == Binary::kMin) {
      return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
    }
    if constexpr (kFunction == Binary::kMax) {
      return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
    }
    if constexpr (kFunction == Binary::kPow) return Pow(d, a, b);
    const V one = hn::Set(d, 1.0f);
    if constexpr (kFunction == Binary::kEqual) return hn::IfThenElseZero(hn::Eq(a, b), one);
    if constexpr (kFunction == Binary::kLess) return hn::IfThenElseZero(hn::Lt(a, b), one);
    if constexpr (kFunction == Binary::kGreater) return hn::IfThenElseZero(hn::Gt(a, b), one);
    if constexpr (kFunction == Binary::kRemainder || kFunction == Binary::kFmod) {
      return RemainderOf<kFunction>(d, a, b);
    }
    if constexpr (kFunction == Binary::kPrelu) {
      return hn::IfThenElse(hn::Gt(a, hn::Zero(d)), a, hn::Mul(a, b));
    }
  }
};

// grad · the derivative by operand kOperand.
template <Binary kFunction, int kOperand>
struct Gradient {
  HWY_INLINE V operator()(D d, V a, V b, V grad) const {
    const V zero = hn::Zero(d);
    if constexpr (kFunction == Binary::kAdd) return grad;
    if constexpr (kFunction == Binary::kSub) return kOperand == 0 ? grad : hn::Neg(grad);
    if constexpr (kFunction == Binary::kMul) return hn::Mul(grad, kOperand == 0 ? b : a);
    if constexpr (kFunction == Binary::kDiv) {
      if constexpr (kOperand == 0) return hn::Div(grad, b);
      return hn::Mul(hn::Neg(grad), hn::Div(hn::Div(a, b), b));
    }
    if constexpr (kFunction == Binary::kMin || kFunction == Binary::kMax) {
      const V half = hn::Mul(grad, hn::Set(d, 0.5f));
      const auto is_other =
          (kFunction == Binary::kMin) == (kOperand == 0) ? hn::Gt(a, b) : hn::Lt(a, b);
      return hn::IfThenZeroElse(is_other, hn::IfThenElse(hn::Eq(a, b), half, grad));
    }
    if constexpr (kFunction == Binary::kPow) {
      if constexpr (kOperand == 0) {
        const V slope = hn::Mul(b, Pow(d, a, hn::Sub(b, hn::Set(d, 1.0f))));
        return hn::IfThenZeroElse(hn::Eq(b, zero), hn::Mul(grad, slope));
      }
      const V slope = hn::Mul(Pow(d, a, b), Log(d, a));
      const auto is_flat = hn::And(hn::Eq(a, zero), hn::Ge(b, zero));
      return hn::IfThenZeroElse(is_flat, hn::Mul(grad, slope));
    }
    if constexpr (kFunction == Binary::kEqual || kFunction == Binary::kLess ||
                  kFunction == Binary::kGreater) {
      return zero;
    }
    if constexpr (kFunction == Binary::kRemainder || kFunction == Binary::kFmod) {
      if constexpr (kOperand == 0) return grad;
      const V quotient = hn::Div(hn::Sub(a, RemainderOf<kFunction>(d, a, b)), b);
      return hn::Neg(hn::Mul(grad, hn::Round(quotient)));
    }
    if constexpr (kFunction == Binary::kPrelu) {
      const auto is_positive = hn::Gt(a, zero);
      if constexpr (kOperand == 0) return hn::IfThenElse(is_positive, grad, hn::Mul(grad, b));
      return hn::IfThenZeroElse(is_positive, hn::Mul(grad, a));
    }
  }
};

// `count` elements of a row, from `values` on.
HWY_INLINE V LoadColumns(D d, const float* values, std::int64_t stride, size_t at, size_t count) {
  if (stride == 1) return LoadFirst(d, values + at, count);
  if (stride == 0) return hn::Set(d, *values);
  HWY_ALIGN float part[HWY_MAX_BYTES / sizeof(float)] = {};
  for (size_t i = 0; i < count; ++i) {
    part[i] = values[static_cast<std::ptrdiff_t>(at + i) * stride];
  }
  return hn::Load(d, part);
}

// function(a, b, at, count) gives what `count` elements from `at` on of the result are.
template <bool kContiguous, class Function>
HWY_INLINE void ForElements(size_t rows, size_t columns, const StridedRows& a, const StridedRows& b,
                            const Function& function, float* y) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const std::int64_t a_stride = kContiguous ? 1 : a.column_stride;
  const std::int64_t b_stride = kContiguous ? 1 : b.column_stride;
  for (size_t row = 0; row < rows; ++row) {
    const float* const a_row = a.values + static_cast<std::ptrdiff_t>(row) * a.row_stride;
    const float* const b_row = b.values + static_cast<std::ptrdiff_t>(row) * b.row_stride;
    const size_t begin = row * columns;
    const auto apply = [&](size_t at, size_t count) HWY_ATTR {
      const V value = function(d, LoadColumns(d, a_row, a_stride, at, count),
                               LoadColumns(d, b_row, b_stride, at, count), begin + at, count);
      StoreFirst(value, d, y + begin + at, count);
    };
    size_t at = 0;
    for (; at + lanes <= columns; at += lanes) apply(at, lanes);
    if (at < columns) apply(at, columns - at);
  }
}

template <class Function>
HWY_INLINE void ForAll(size_t rows, size_t columns, const StridedRows& a, const StridedRows& b,
                       const Function& function, float* y) {
  if (a.column_stride == 1 && b.column_stride == 1) {
    ForElements<true>(rows, columns, a, b, function, y);
  } else {
    ForElements<false>(rows, columns, a, b, function, y);
  }
}

template <Binary kFunction>
void ForwardAs(size_t rows, size_t columns, const StridedRows& a, const StridedRows& b, float* y) {
  const auto function = [](D d, V x, V z, size_t, size_t)
                            HWY_ATTR { return Result<kFunction>()(d, x, z); };
  ForAll(rows, columns, a, b, function, y);
}

template <Binary kFunction, int kOperand>
void BackwardAs(size_t rows, size_t columns, const StridedRows& a, const StridedRows& b,
                const float* grad_y, float* grad) {
  const auto function = [grad_y](D d, V x, V z, size_t at, size_t count) HWY_ATTR {
    return Gradient<kFunction, kOperand>()(d, x, z, LoadFirst(d, grad_y + at, count));
  };
  ForAll(rows, columns, a, b, function, grad);
}

template <Binary kFunction>
void BackwardOf(int operand, size_t rows, size_t columns, const StridedRows& a,
                const StridedRows& b, const float* grad_y, float* grad) {
  if (operand == 0) return BackwardAs<kFunction, 0>(rows, columns, a, b, grad_y, grad);
  return BackwardAs<kFunction, 1>(rows, columns, a, b, grad_y, grad);
}

// Calls `call` with the function as a constant.
template <class Call>
HWY_INLINE void WithConstant(Binary function, const Call& call) {
  switch (function) {
    case Binary::kAdd:
      return call(std::integral_constant<Binary, Binary::kAdd>());
    case Binary::kSub:
      return call(std::integral_constant<Binary, Binary::kSub>());
    case Binary::kMul:
      return call(std::integral_constant<Binary, Binary::kMul>());
    case Binary::kDiv:
      return call(std::integral_constant<Binary, Binary::kDiv>());
    case Binary::kMin:
      return call(std::integral_constant<Binary, Binary::kMin>());
    case Binary::kMax:
      return call(std::integral_constant<Binary, Binary::kMax>());
    case Binary::kPow:
      return call(std::integral_constant<Binary, Binary::kPow>());
    case Binary::kEqual:
      return call(std::integral_constant<Binary, Binary::kEqual>());
    case Binary::kLess:
      return call(std::integral_constant<Binary, Binary::kLess>());
    case Binary::kGreater:
      return call(std::integral_constant<Binary, Binary::kGreater>());
    case Binary::kRemainder:
      return call(std::integral_constant<Binary, Binary::kRemainder>());
    case Binary::kFmod:
      return call(std::integral_constant<Binary, Binary::kFmod>());
    case Binary::kPrelu:
      return call(std::integral_constant<Binary, Binary::kPrelu>());
  }
}

void Forward(Binary function, size_t rows, size_t columns, const StridedRows& a,
             const StridedRows& b, float* y) {
  WithConstant(function, [&](auto constant) HWY_ATTR {
    ForwardAs<decltype(constant)::value>(rows, columns, a, b, y);
  });
}

void Backward(Binary function, int operand, size_t rows, size_t columns, const StridedRows& a,
              const StridedRows& b, const float* grad_y, float* grad) {
  WithConstant(function, [&](auto constant) HWY_ATTR {
    BackwardOf<decltype(constant)::value>(operand, rows, columns, a, b, grad_y, grad);
  });
}

void RowSums(const float* x, size_t rows, size_t columns, std::ptrdiff_t stride, float* sums) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t row = 0; row < rows; ++row, x += columns, sums += stride) {
    V sum0 = hn::Zero(d);
    V sum1 = hn::Zero(d);
    size_t j = 0;
    for (; j + 2 * lanes <= columns; j += 2 * lanes) {
      sum0 = hn::Add(sum0, hn::LoadU(d, x + j));
      sum1 = hn::Add(sum1, hn::LoadU(d, x + j + lanes));
    }
    for (; j < columns; j += lanes) {
      sum0 = hn::Add(sum0, LoadFirst(d, x + j, HWY_MIN(lanes, columns - j)));
    }
    *sums += hn::ReduceSum(d, hn::Add(sum0, sum1));
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void BinaryForward(Binary function, std::int64_t rows, std::int64_t columns, const StridedRows& a,
                   const StridedRows& b, float* y) {
  ESPALIER_KERNEL(Forward)
  (function, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), a, b, y);
}

void BinaryBackward(Binary function, int operand, std::int64_t rows, std::int64_t columns,
                    const StridedRows& a, const StridedRows& b, const float* grad_y, float* grad) {
  ESPALIER_KERNEL(Backward)
  (function, operand, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), a, b,
   grad_y, grad);
}

void AddRowSums(const float* x, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                float* sums) {
  ESPALIER_KERNEL(RowSums)
  (x, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), stride, sums);
}

}  // namespace espalier
#endif  // HWY_ONCE
