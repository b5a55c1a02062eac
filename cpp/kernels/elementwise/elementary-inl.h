// SPDX-License-Identifier: Apache-2.0

// Exponential, logistic, tanh and normal distribution for vectors of float, in the target
// of the including pass. Every lane is computed alone, so a value's bits do not depend on
// its position. NaN gives NaN. Accurate without fused multiply-add too.
//
// Largest errors, in units of the last place, over the 1.4 million floats of testing/ulp.h
// on every target: Sigmoid 2.4, Tanh 2.5, x·Sigmoid(x) 3.1, x·NormalCdf(x) 6; Exp, through
// the softmax of 0 and x, 2; Softplus 3.3.

#if defined(ESPALIER_KERNELS_ELEMENTWISE_ELEMENTARY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_ELEMENTWISE_ELEMENTARY_INL_H_
#undef ESPALIER_KERNELS_ELEMENTWISE_ELEMENTARY_INL_H_
#else
#define ESPALIER_KERNELS_ELEMENTWISE_ELEMENTARY_INL_H_
#endif

#include <cstdint>

#include "kernels/dispatch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// x = n·ln 2 + r with |r| <= ln 2 / 2 and integer n, and exp(r) - 1.
template <class V, class VI>
struct SplitExponent {
  VI n;  // plus what Split says
  V expm1_r;
};

// For x + low, with |low| much smaller than 1 and |x| <= 128. What is returned as n is that plus
// kOffset, which is even, plus a multiple of 2^10: it falls out where n becomes an exponent.
//
// n comes from the sum with 1.5·2^23, which rounds to an integer and has it in its lowest bits.
// ln 2 is subtracted in two parts (Cody and Waite, "Software Manual for the Elementary
// Functions", 1980); the first, 355/512, times n is exact. exp(r) = 1 + r + r²·P(r), P the
// minimax polynomial of degree 4 for the relative error of exp, 3e-9, found by Lawson's
// iteration.
template <int kOffset, bool kHasLow, class D, class V = hn::Vec<D>,
          class DI = hn::RebindToSigned<D>>
HWY_INLINE SplitExponent<V, hn::Vec<DI>> Split(D d, V x, V low) {
  static_assert(kOffset % 2 == 0);  // or halves would be rounded the other way
  const V shift = hn::Set(d, 0x1.8p23f + kOffset);
  const V shifted = hn::Add(hn::Mul(x, hn::Set(d, 1.44269504f)), shift);
  const V n = hn::Sub(shifted, shift);
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  if constexpr (kHasLow) r = hn::Add(r, low);
  V p = hn::Set(d, 0.001381455920636654f);
  p = hn::MulAdd(p, r, hn::Set(d, 0.008368735201656818f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.04166838899254799f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.1666652113199234f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.4999999403953552f));
  return {hn::BitCast(DI(), shifted), hn::MulAdd(hn::Mul(r, r), p, r)};
}

// 2^n for -126 <= n <= 127.
template <class D, class VI>
HWY_INLINE hn::Vec<D> PowerOfTwo(D d, VI n) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
}

// In two steps of scaling, so that denormal results come out right.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  const V least = hn::Set(d, -104.0f);   // exp is below half the least denormal
  const V greatest = hn::Set(d, 89.0f);  // exp is above the greatest float
  x = hn::IfThenElse(hn::Lt(x, least), least, x);
  x = hn::IfThenElse(hn::Gt(x, greatest), greatest, x);
  const auto split = Split<0, false>(d, x, x);
  const auto half_n = hn::ShiftRight<1>(split.n);
  const V mantissa = hn::Add(split.expm1_r, hn::Set(d, 1.0f));
  return hn::Mul(hn::Mul(mantissa, PowerOfTwo(d, half_n)), PowerOfTwo(d, hn::Sub(split.n, half_n)));
}

// exp(x + low) for x + low <= 0, the bits of Exp in fewer steps: 2^(n + 63) is a float whatever n.
template <bool kHasLow, class D, class V = hn::Vec<D>>
HWY_INLINE V ExpOfNegativeSum(D d, V x, V low) {
  const V least = hn::Set(d, -104.0f);
  x = hn::IfThenElse(hn::Lt(x, least), least, x);
  const auto split = Split<127 + 63, kHasLow>(d, x, low);
  const V mantissa = hn::Add(split.expm1_r, hn::Set(d, 1.0f));
  const V scale = hn::BitCast(d, hn::ShiftLeft<23>(split.n));
  return hn::Mul(hn::Mul(mantissa, scale), hn::Set(d, 0x1p-63f));
}

// exp(x) for x <= 0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpOfNegative(D d, V x) {
  return ExpOfNegativeSum<false>(d, x, x);
}

// 1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V e = ExpOfNegative(d, hn::Or(x, hn::SignBit(d)));
  return hn::Div(hn::IfNegativeThenElse(x, e, one), hn::Add(one, e));
}

// exp(x) - 1 for x <= 0, which loses nothing near 0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpMinusOneOfNegative(D d, V x) {
  const V least = hn::Set(d, -32.0f);  // rounds to -1 from -17.4
  x = hn::IfThenElse(hn::Lt(x, least), least, x);
  const auto split = Split<0, false>(d, x, x);
  const V scale = PowerOfTwo(d, split.n);
  return hn::MulAdd(scale, split.expm1_r, hn::Sub(scale, hn::Set(d, 1.0f)));
}

// tanh |x| = -m / (m + 2) with m = exp(-2|x|) - 1.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  const V m = ExpMinusOneOfNegative(d, hn::Mul(hn::Abs(x), hn::Set(d, -2.0f)));
  return hn::CopySign(hn::Div(m, hn::Add(m, hn::Set(d, 2.0f))), x);
}

// log(1 + e) for e in [0, 1], as 2·atanh(s) with s = e / (2 + e), so that small e keep their
// digits. atanh(s) = s·P(s²), P minimax of degree 4 for the relative error, 4e-9.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log1pOfUnit(D d, V e) {
  const V s = hn::Div(e, hn::Add(e, hn::Set(d, 2.0f)));
  const V w = hn::Mul(s, s);
  V p = hn::Set(d, 0.14089173078536987f);
  p = hn::MulAdd(p, w, hn::Set(d, 0.13980300724506378f));
  p = hn::MulAdd(p, w, hn::Set(d, 0.20012454688549042f));
  p = hn::MulAdd(p, w, hn::Set(d, 0.3333315849304199f));
  p = hn::MulAdd(p, w, hn::Set(d, 1.0f));
  return hn::Mul(hn::Add(s, s), p);
}

// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Softplus(D d, V x) {
  const V zero = hn::Zero(d);
  const V log1p = Log1pOfUnit(d, ExpOfNegative(d, hn::Neg(hn::Abs(x))));
  return hn::Add(hn::IfThenElse(hn::Gt(x, zero), x, zero), log1p);
}

// What mish and its derivative share: with e = exp(x), tanh(softplus(x)) = n / (n + 2). From 20
// on that is 1 and stays so, before e⁴ leaves float's range.
template <class V>
struct MishParts {
  V x;  // at most 20
  V e;
  V n;  // e·(e + 2)
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE MishParts<V> MishPartsOf(D d, V x) {
  const V most = hn::Set(d, 20.0f);
  x = hn::IfThenElse(hn::Gt(x, most), most, x);
  const V e = Exp(d, x);
  return {x, e, hn::Mul(e, hn::Add(e, hn::Set(d, 2.0f)))};
}

// The standard normal distribution: returns Φ(x) = (1 + erf(x / √2)) / 2 and sets
// `gaussian` to exp(-x²/2), √(2π) times its density.
//
// Φ(-z) = exp(-z²/2)·t·P(t), t = 1 / (1 + 5z/16): the form of Hastings for erfc (Abramowitz
// and Stegun, "Handbook of Mathematical Functions", 7.1.26) with P of degree 9, minimax for
// the relative error on z in [0, 14.5], 3e-8. Unlike 1 + erf it keeps its digits in the
// lower tail. z² is split into an exact part and a small rest, as its rounding error alone
// would cost 1e-6 there.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NormalCdf(D d, V x, V& gaussian) {
  const hn::RebindToUnsigned<D> du;
  const V greatest = hn::Set(d, 14.5f);  // Φ(-14.5) is below the least denormal
  const V one = hn::Set(d, 1.0f);
  const V half = hn::Set(d, 0.5f);
  V z = hn::Abs(x);
  z = hn::IfThenElse(hn::Gt(z, greatest), greatest, z);
  const V head = hn::BitCast(d, hn::And(hn::BitCast(du, z), hn::Set(du, 0xFFFFF000u)));
  const V rest = hn::Mul(hn::Sub(head, z), hn::Mul(hn::Add(head, z), half));
  gaussian = ExpOfNegativeSum<true>(d, hn::Mul(hn::Mul(head, head), hn::Neg(half)), rest);
  const V t = hn::Div(one, hn::MulAdd(z, hn::Set(d, 0.3125f), one));
  V p = hn::Set(d, -0.019028203561902046f);
  p = hn::MulAdd(p, t, hn::Set(d, 0.09144551306962967f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.1511048674583435f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.07429438084363937f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.0025278241373598576f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.055526819080114365f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.0900963768362999f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.11188192665576935f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.124750517308712f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.12466534972190857f));
  const V tail = hn::Mul(gaussian, hn::Mul(t, p));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_ELEMENTWISE_ELEMENTARY_INL_H_
