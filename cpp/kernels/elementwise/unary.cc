// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/unary.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/unary.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/elementary-inl.h"
#include "kernels/vectors/partial-inl.h"
#include "kernels/elementwise/power-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Below 1, x·P(x²) with P minimax of degree 6 for the relative error, 1.3e-9; from there on by the
// normal distribution, whose tail Φ(-√2·|x|) is half of what is missing to 1.
HWY_INLINE V Erf(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V w = hn::Mul(x, x);
  V p = hn::Set(d, 7.853861214281166e-05f);
  p = hn::MulAdd(p, w, hn::Set(d, -0.000801019358207769f));
  p = hn::MulAdd(p, w, hn::Set(d, 0.0051883276807144635f));
  p = hn::MulAdd(p, w, hn::Set(d, -0.02685381193259931f));
  p = hn::MulAdd(p, w, hn::Set(d, 0.11283585148548159f));
  p = hn::MulAdd(p, w, hn::Set(d, -0.37612625824226975f));
  p = hn::MulAdd(p, w, hn::Set(d, 1.1283791657267093f));
  const V size = hn::Abs(x);
  V gaussian;
  const V tail = NormalCdf(d, hn::Mul(size, hn::Set(d, -1.41421356f)), gaussian);
  const V far = hn::CopySign(hn::NegMulAdd(hn::Set(d, 2.0f), tail, one), x);
  return hn::IfThenElse(hn::Lt(size, one), hn::Mul(x, p), far);
}

// 2/√π · exp(-x²). x² is split into an exact part and a small rest, as its rounding would cost
// digits.
HWY_INLINE V ErfSlope(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  const V greatest = hn::Set(d, 10.5f);  // the result is below the least denormal
  V z = hn::Abs(x);
  z = hn::IfThenElse(hn::Gt(z, greatest), greatest, z);
  const V head = hn::BitCast(d, hn::And(hn::BitCast(du, z), hn::Set(du, 0xFFFFF000u)));
  const V rest = hn::Mul(hn::Sub(head, z), hn::Add(head, z));
  const V e = ExpOfNegativeSum<true>(d, hn::Neg(hn::Mul(head, head)), rest);
  return hn::Mul(e, hn::Set(d, 1.12837917f));
}

template <Unary kFunction>
HWY_INLINE V Result(D d, V x) {
  if constexpr (kFunction == Unary::kExp) return Exp(d, x);
  if constexpr (kFunction == Unary::kLog) return Log(d, x);
  if constexpr (kFunction == Unary::kSqrt) return hn::Sqrt(x);
  if constexpr (kFunction == Unary::kAbs) return hn::Abs(x);
  if constexpr (kFunction == Unary::kNeg) return hn::Neg(x);
  if constexpr (kFunction == Unary::kErf) return Erf(d, x);
  if constexpr (kFunction == Unary::kReciprocal) return hn::Div(hn::Set(d, 1.0f), x);
}

// `value` is what the function reads: x or y, or whatever where it reads neither.
template <Unary kFunction>
HWY_INLINE V Gradient(D d, V value, V grad) {
  if constexpr (kFunction == Unary::kExp) return hn::Mul(grad, value);
  if constexpr (kFunction == Unary::kLog) return hn::Div(grad, value);
  if constexpr (kFunction == Unary::kSqrt) return hn::Div(grad, hn::Add(value, value));
  if constexpr (kFunction == Unary::kAbs) {
    const V zero = hn::Zero(d);
    const V falling = hn::IfThenElseZero(hn::Lt(value, zero), hn::Neg(grad));
    return hn::IfThenElse(hn::Gt(value, zero), grad, falling);
  }
  if constexpr (kFunction == Unary::kNeg) return hn::Neg(grad);
  if constexpr (kFunction == Unary::kErf) return hn::Mul(grad, ErfSlope(d, value));
  if constexpr (kFunction == Unary::kReciprocal) {
    return hn::Mul(hn::Neg(grad), hn::Mul(value, value));
  }
}

template <Unary kFunction>
void ForwardAs(const float* x, size_t count, float* y) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    StoreFirst(Result<kFunction>(d, LoadFirst(d, x + i, n)), d, y + i, n);
  }
}

template <Unary kFunction>
void BackwardAs(const float* value, const float* grad_y, size_t count, float* grad_x) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const V grad = LoadFirst(d, grad_y + i, n);
    StoreFirst(Gradient<kFunction>(d, LoadFirst(d, value + i, n), grad), d, grad_x + i, n);
  }
}

void Forward(Unary function, const float* x, size_t count, float* y) {
  switch (function) {
    case Unary::kExp:
      return ForwardAs<Unary::kExp>(x, count, y);
    case Unary::kLog:
      return ForwardAs<Unary::kLog>(x, count, y);
    case Unary::kSqrt:
      return ForwardAs<Unary::kSqrt>(x, count, y);
    case Unary::kAbs:
      return ForwardAs<Unary::kAbs>(x, count, y);
    case Unary::kNeg:
      return ForwardAs<Unary::kNeg>(x, count, y);
    case Unary::kErf:
      return ForwardAs<Unary::kErf>(x, count, y);
    case Unary::kReciprocal:
      return ForwardAs<Unary::kReciprocal>(x, count, y);
  }
}

void Backward(Unary function, const float* value, const float* grad_y, size_t count,
              float* grad_x) {
  switch (function) {
    case Unary::kExp:
      return BackwardAs<Unary::kExp>(value, grad_y, count, grad_x);
    case Unary::kLog:
      return BackwardAs<Unary::kLog>(value, grad_y, count, grad_x);
    case Unary::kSqrt:
      return BackwardAs<Unary::kSqrt>(value, grad_y, count, grad_x);
    case Unary::kAbs:
      return BackwardAs<Unary::kAbs>(value, grad_y, count, grad_x);
    case Unary::kNeg:
      return BackwardAs<Unary::kNeg>(value, grad_y, count, grad_x);
    case Unary::kErf:
      return BackwardAs<Unary::kErf>(value, grad_y, count, grad_x);
    case Unary::kReciprocal:
      return BackwardAs<Unary::kReciprocal>(value, grad_y, count, grad_x);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void UnaryForward(Unary function, const float* x, std::int64_t count, float* y) {
  ESPALIER_KERNEL(Forward)(function, x, static_cast<std::size_t>(count), y);
}

void UnaryBackward(Unary function, const float* x, const float* y, const float* grad_y,
                   std::int64_t count, float* grad_x) {
  const float* const value = ReadsArgument(function) ? x : (ReadsResult(function) ? y : grad_y);
  ESPALIER_KERNEL(Backward)(function, value, grad_y, static_cast<std::size_t>(count), grad_x);
}

}  // namespace espalier
#endif  // HWY_ONCE
