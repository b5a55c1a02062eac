// SPDX-License-Identifier: Apache-2.0
#include "kernels/optimizer_update.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optimizer_update.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Comparisons, as Min and Max would drop NaN on some targets.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GradientOf(D d, const GradientTerms& terms, V gradient, V w) {
  const V limit = hn::Set(d, terms.limit);
  const V least = hn::Neg(limit);
  V g = hn::IfThenElse(hn::Gt(gradient, limit), limit, gradient);
  g = hn::IfThenElse(hn::Lt(g, least), least, g);
  return hn::MulAdd(hn::Set(d, terms.decay), w, hn::Mul(g, hn::Set(d, terms.scale)));
}

// Memory-bound: up to four streams in and three out, so not unrolled.
//
// update(d, i, n, w, g) returns the new w of elements [i, i + n) and stores their moments.
template <class Update>
HWY_INLINE void ForEachVector(const UpdateArrays& arrays, const GradientTerms& gradient,
                              Update update) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const size_t count = static_cast<size_t>(arrays.count);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto w = LoadFirst(d, arrays.values + i, n);
    const auto g = GradientOf(d, gradient, LoadFirst(d, arrays.gradients + i, n), w);
    StoreFirst(update(d, i, n, w, g), d, arrays.values + i, n);
  }
}

void SgdKernel(const UpdateArrays& arrays, const GradientTerms& gradient, const SgdTerms& terms) {
  float* const velocities = arrays.moment1;
  if (terms.momentum == 0.0f) {
    ForEachVector(arrays, gradient, [&](auto d, size_t, size_t, auto w, auto g) HWY_ATTR {
      return hn::NegMulAdd(hn::Set(d, terms.rate), g, w);
    });
    return;
  }
  ForEachVector(arrays, gradient, [&](auto d, size_t i, size_t n, auto w, auto g) HWY_ATTR {
    const auto momentum = hn::Set(d, terms.momentum);
    const auto velocity = hn::MulAdd(momentum, LoadFirst(d, velocities + i, n), g);
    StoreFirst(velocity, d, velocities + i, n);
    const auto step = terms.nesterov ? hn::MulAdd(momentum, velocity, g) : velocity;
    return hn::NegMulAdd(hn::Set(d, terms.rate), step, w);
  });
}

void AdamKernel(const UpdateArrays& arrays, const GradientTerms& gradient, const AdamTerms& terms) {
  float* const means = arrays.moment1;
  float* const squares = arrays.moment2;
  ForEachVector(arrays, gradient, [&](auto d, size_t i, size_t n, auto w, auto g) HWY_ATTR {
    const auto mean = hn::MulAdd(hn::Set(d, terms.beta1), LoadFirst(d, means + i, n),
                                 hn::Mul(hn::Set(d, terms.rest1), g));
    const auto square = hn::MulAdd(hn::Set(d, terms.beta2), LoadFirst(d, squares + i, n),
                                   hn::Mul(hn::Set(d, terms.rest2), hn::Mul(g, g)));
    StoreFirst(mean, d, means + i, n);
    StoreFirst(square, d, squares + i, n);
    const auto divisor =
        hn::MulAdd(hn::Sqrt(square), hn::Set(d, terms.inverse_root), hn::Set(d, terms.epsilon));
    const auto kept = hn::NegMulAdd(hn::Set(d, terms.shrink), w, w);
    return hn::NegMulAdd(hn::Set(d, terms.rate), hn::Div(mean, divisor), kept);
  });
}

void RmsPropKernel(const UpdateArrays& arrays, const GradientTerms& gradient,
                   const RmsPropTerms& terms) {
  float* const squares = arrays.moment1;
  float* const velocities = arrays.moment2;
  ForEachVector(arrays, gradient, [&](auto d, size_t i, size_t n, auto w, auto g) HWY_ATTR {
    const auto square = hn::MulAdd(hn::Set(d, terms.alpha), LoadFirst(d, squares + i, n),
                                   hn::Mul(hn::Set(d, terms.rest), hn::Mul(g, g)));
    StoreFirst(square, d, squares + i, n);
    auto step = hn::Div(g, hn::Add(hn::Sqrt(square), hn::Set(d, terms.epsilon)));
    if (terms.momentum != 0.0f) {
      step = hn::MulAdd(hn::Set(d, terms.momentum), LoadFirst(d, velocities + i, n), step);
      StoreFirst(step, d, velocities + i, n);
    }
    return hn::NegMulAdd(hn::Set(d, terms.rate), step, w);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void SgdUpdate(const UpdateArrays& arrays, const GradientTerms& gradient, const SgdTerms& terms) {
  ESPALIER_KERNEL(SgdKernel)(arrays, gradient, terms);
}

void AdamUpdate(const UpdateArrays& arrays, const GradientTerms& gradient, const AdamTerms& terms) {
  ESPALIER_KERNEL(AdamKernel)(arrays, gradient, terms);
}

void RmsPropUpdate(const UpdateArrays& arrays, const GradientTerms& gradient,
                   const RmsPropTerms& terms) {
  ESPALIER_KERNEL(RmsPropKernel)(arrays, gradient, terms);
}

}  // namespace espalier
#endif  // HWY_ONCE
