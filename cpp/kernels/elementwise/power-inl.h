// SPDX-License-Identifier: Apache-2.0

// Logarithm and power of vectors of float. Every lane is computed alone. Largest errors, in units
// of the last place, over the floats of testing/ulp.h: Log 1, Pow 0.51.

#if defined(ESPALIER_KERNELS_ELEMENTWISE_POWER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_ELEMENTWISE_POWER_INL_H_
#undef ESPALIER_KERNELS_ELEMENTWISE_POWER_INL_H_
#else
#define ESPALIER_KERNELS_ELEMENTWISE_POWER_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "kernels/dispatch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// x = mantissa · 2^exponent with √½ <= mantissa < √2.
template <class V>
struct SplitNumber {
  V mantissa;
  V exponent;
};

// For x > 0, denormals too; whatever for infinity, NaN and the rest.
template <class D, class V = hn::Vec<D>, class DI = hn::RebindToSigned<D>>
HWY_INLINE SplitNumber<V> SplitAtHalfOctave(D d, V x) {
  const DI di;
  const auto is_denormal = hn::Lt(x, hn::Set(d, 0x1p-126f));
  x = hn::IfThenElse(is_denormal, hn::Mul(x, hn::Set(d, 0x1p23f)), x);
  const auto bits = hn::BitCast(di, x);
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3F3504F3)));
  const V lift = hn::IfThenElseZero(is_denormal, hn::Set(d, 23.0f));
  return {hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent))),
          hn::Sub(hn::ConvertTo(d, exponent), lift)};
}

// The natural logarithm: -infinity of 0, NaN of less. The method and the coefficients are those of
// FreeBSD's logf, from Sun's fdlibm: with f = m - 1 and s = f / (2 + f), log(1 + f) = f - f²/2 +
// s·(f²/2 + R(s²)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log(D d, V x) {
  const V zero = hn::Zero(d);
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const SplitNumber<V> split = SplitAtHalfOctave(d, x);
  const V f = hn::Sub(split.mantissa, hn::Set(d, 1.0f));
  const V s = hn::Div(f, hn::Add(f, hn::Set(d, 2.0f)));
  const V w = hn::Mul(s, s);
  V r = hn::Set(d, 0.24279078841f);
  r = hn::MulAdd(r, w, hn::Set(d, 0.28498786688f));
  r = hn::MulAdd(r, w, hn::Set(d, 0.40000972152f));
  r = hn::MulAdd(r, w, hn::Set(d, 0.66666662693f));
  r = hn::Mul(r, w);
  const V half_square = hn::Mul(hn::Mul(f, f), hn::Set(d, 0.5f));
  V y = hn::Mul(s, hn::Add(half_square, r));
  y = hn::Add(y, hn::Mul(split.exponent, hn::Set(d, 9.0580006145e-06f)));
  y = hn::Add(hn::Sub(y, half_square), f);
  y = hn::Add(y, hn::Mul(split.exponent, hn::Set(d, 6.9313812256e-01f)));
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  y = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), y);
  const auto is_undefined = hn::Or(hn::Lt(x, zero), hn::IsNaN(x));
  return hn::IfThenElse(is_undefined, hn::Set(d, std::numeric_limits<float>::quiet_NaN()), y);
}

// exp(factor · log(mantissa · 2^exponent)) in double.
template <class DD, class VD = hn::Vec<DD>>
HWY_INLINE VD PowerOfSplit(DD dd, VD mantissa, VD exponent, VD factor) {
  const hn::RebindToSigned<DD> di;
  const VD one = hn::Set(dd, 1.0);
  // log(m) = 2·atanh(s), s = (m - 1) / (m + 1), |s| <= 0.172: seven terms leave 1e-12.
  const VD s = hn::Div(hn::Sub(mantissa, one), hn::Add(mantissa, one));
  const VD w = hn::Mul(s, s);
  VD p = hn::Set(dd, 1.0 / 13);
  p = hn::MulAdd(p, w, hn::Set(dd, 1.0 / 11));
  p = hn::MulAdd(p, w, hn::Set(dd, 1.0 / 9));
  p = hn::MulAdd(p, w, hn::Set(dd, 1.0 / 7));
  p = hn::MulAdd(p, w, hn::Set(dd, 1.0 / 5));
  p = hn::MulAdd(p, w, hn::Set(dd, 1.0 / 3));
  p = hn::MulAdd(p, w, one);
  const VD log_m = hn::Mul(hn::Add(s, s), p);
  const VD ln2 = hn::Set(dd, 0.693147180559945309417);
  VD t = hn::Mul(factor, hn::MulAdd(exponent, ln2, log_m));
  const VD least = hn::Set(dd, -120.0);  // exp is below half the least denormal float
  const VD greatest = hn::Set(dd, 100.0);
  t = hn::IfThenElse(hn::Lt(t, least), least, t);
  t = hn::IfThenElse(hn::Gt(t, greatest), greatest, t);
  // t = n·ln 2 + r. The sum with 1.5·2^52 rounds to the integer n, in its lowest bits.
  const VD shift = hn::Set(dd, 0x1.8p52);
  const VD shifted = hn::Add(hn::Mul(t, hn::Set(dd, 1.44269504088896340736)), shift);
  const VD n = hn::Sub(shifted, shift);
  const VD r = hn::NegMulAdd(n, ln2, t);
  VD e = hn::Set(dd, 1.0 / 40320);  // |r| <= 0.347: nine terms leave 2e-10
  e = hn::MulAdd(e, r, hn::Set(dd, 1.0 / 5040));
  e = hn::MulAdd(e, r, hn::Set(dd, 1.0 / 720));
  e = hn::MulAdd(e, r, hn::Set(dd, 1.0 / 120));
  e = hn::MulAdd(e, r, hn::Set(dd, 1.0 / 24));
  e = hn::MulAdd(e, r, hn::Set(dd, 1.0 / 6));
  e = hn::MulAdd(e, r, hn::Set(dd, 0.5));
  e = hn::MulAdd(e, r, one);
  e = hn::MulAdd(e, r, one);
  const auto biased = hn::Add(hn::BitCast(di, shifted), hn::Set(di, std::int64_t{1023}));
  return hn::Mul(e, hn::BitCast(dd, hn::ShiftLeft<52>(biased)));
}

// a^b, as std::pow has it for every special value (C17, F.10.4.4). A float's logarithm has too few
// digits for it: computed in double, in two halves.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Pow(D d, V a, V b) {
  const hn::RepartitionToWide<D> dd;
  const hn::Half<D> dh;
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, 1.0f);
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const V magnitude = hn::Abs(a);
  const SplitNumber<V> split = SplitAtHalfOctave(d, magnitude);
  const auto lower =
      PowerOfSplit(dd, hn::PromoteLowerTo(dd, split.mantissa),
                   hn::PromoteLowerTo(dd, split.exponent), hn::PromoteLowerTo(dd, b));
  const auto upper =
      PowerOfSplit(dd, hn::PromoteUpperTo(dd, split.mantissa),
                   hn::PromoteUpperTo(dd, split.exponent), hn::PromoteUpperTo(dd, b));
  V y = hn::Combine(d, hn::DemoteTo(dh, upper), hn::DemoteTo(dh, lower));
  const auto falls = hn::Lt(b, zero);
  y = hn::IfThenElse(hn::Eq(magnitude, zero), hn::IfThenElseZero(falls, infinity), y);
  const auto is_infinite = hn::Eq(magnitude, infinity);
  y = hn::IfThenElse(is_infinite, hn::IfThenZeroElse(falls, infinity), y);
  y = hn::IfThenElse(hn::Eq(magnitude, one), one, y);  // to the power of infinity, too
  const auto is_whole = hn::Eq(hn::Floor(b), b);       // true of infinity
  const V half = hn::Mul(b, hn::Set(d, 0.5f));
  const auto is_odd = hn::AndNot(hn::Eq(hn::Floor(half), half), is_whole);
  y = hn::IfThenElse(is_odd, hn::CopySign(y, a), y);
  const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  const auto has_no_root = hn::AndNot(is_whole, hn::AndNot(is_infinite, hn::Lt(a, zero)));
  const auto is_undefined = hn::Or(has_no_root, hn::Or(hn::IsNaN(a), hn::IsNaN(b)));
  y = hn::IfThenElse(is_undefined, nan, y);
  return hn::IfThenElse(hn::Or(hn::Eq(b, zero), hn::Eq(a, one)), one, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_ELEMENTWISE_POWER_INL_H_
