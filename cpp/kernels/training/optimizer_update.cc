// SPDX-License-Identifier: Apache-2.0
#include "kernels/training/optimizer_update.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/training/optimizer_update.cc"
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

// Every setting in a register: in memory, the stores of the loop might be to it.
struct Gradient {
  explicit Gradient(const GradientTerms& terms)
      : limit(hn::Set(D(), terms.limit)),
        least(hn::Set(D(), -terms.limit)),
        scale(hn::Set(D(), terms.scale)),
        decay(hn::Set(D(), terms.decay)) {}

  // Comparisons, as Min and Max would drop NaN on some targets.
  HWY_INLINE V Of(V gradient, V w) const {
    V g = hn::IfThenElse(hn::Gt(gradient, limit), limit, gradient);
    g = hn::IfThenElse(hn::Lt(g, least), least, g);
    return hn::MulAdd(decay, w, hn::Mul(g, scale));
  }

  V limit, least, scale, decay;
};

// Memory-bound: up to four streams in and three out, so not unrolled.
//
// update(i, n, w, g) returns the new w of elements [i, i + n) and stores their moments.
template <class Update>
HWY_INLINE void ForEachVector(const UpdateArrays& arrays, const GradientTerms& gradient_terms,
                              Update update) {
  const D d;
  const Gradient gradient(gradient_terms);
  const size_t lanes = hn::Lanes(d);
  const size_t count = static_cast<size_t>(arrays.count);
  float* const values = arrays.values;
  const float* const gradients = arrays.gradients;
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V w = hn::LoadU(d, values + i);
    const V g = gradient.Of(hn::LoadU(d, gradients + i), w);
    hn::StoreU(update(i, lanes, w, g), d, values + i);
  }
  if (i < count) {
    const size_t n = count - i;
    const V w = hn::LoadN(d, values + i, n);
    const V g = gradient.Of(hn::LoadN(d, gradients + i, n), w);
    hn::StoreN(update(i, n, w, g), d, values + i, n);
  }
}

void SgdKernel(const UpdateArrays& arrays, const GradientTerms& gradient, const SgdTerms& terms) {
  const D d;
  float* const velocities = arrays.moment1;
  const V rate = hn::Set(d, terms.rate);
  if (terms.momentum == 0.0f) {
    ForEachVector(arrays, gradient,
                  [&](size_t, size_t, V w, V g) HWY_ATTR { return hn::NegMulAdd(rate, g, w); });
    return;
  }
  const V momentum = hn::Set(d, terms.momentum);
  const bool nesterov = terms.nesterov;
  ForEachVector(arrays, gradient, [&](size_t i, size_t n, V w, V g) HWY_ATTR {
    const V velocity = hn::MulAdd(momentum, LoadFirst(d, velocities + i, n), g);
    StoreFirst(velocity, d, velocities + i, n);
    const V step = nesterov ? hn::MulAdd(momentum, velocity, g) : velocity;
    return hn::NegMulAdd(rate, step, w);
  });
}

void AdamKernel(const UpdateArrays& arrays, const GradientTerms& gradient, const AdamTerms& terms) {
  const D d;
  float* const means = arrays.moment1;
  float* const squares = arrays.moment2;
  const V rate = hn::Set(d, terms.rate);
  const V beta1 = hn::Set(d, terms.beta1);
  const V rest1 = hn::Set(d, terms.rest1);
  const V beta2 = hn::Set(d, terms.beta2);
  const V rest2 = hn::Set(d, terms.rest2);
  const V inverse_root = hn::Set(d, terms.inverse_root);
  const V epsilon = hn::Set(d, terms.epsilon);
  const V shrink = hn::Set(d, terms.shrink);
  ForEachVector(arrays, gradient, [&](size_t i, size_t n, V w, V g) HWY_ATTR {
    const V mean = hn::MulAdd(beta1, LoadFirst(d, means + i, n), hn::Mul(rest1, g));
    const V square = hn::MulAdd(beta2, LoadFirst(d, squares + i, n), hn::Mul(rest2, hn::Mul(g, g)));
    StoreFirst(mean, d, means + i, n);
    StoreFirst(square, d, squares + i, n);
    const V divisor = hn::MulAdd(hn::Sqrt(square), inverse_root, epsilon);
    return hn::NegMulAdd(rate, hn::Div(mean, divisor), hn::NegMulAdd(shrink, w, w));
  });
}

void RmsPropKernel(const UpdateArrays& arrays, const GradientTerms& gradient,
                   const RmsPropTerms& terms) {
  const D d;
  float* const squares = arrays.moment1;
  float* const velocities = arrays.moment2;
  const V rate = hn::Set(d, terms.rate);
  const V alpha = hn::Set(d, terms.alpha);
  const V rest = hn::Set(d, terms.rest);
  const V epsilon = hn::Set(d, terms.epsilon);
  const V momentum = hn::Set(d, terms.momentum);
  const bool has_momentum = terms.momentum != 0.0f;
  ForEachVector(arrays, gradient, [&](size_t i, size_t n, V w, V g) HWY_ATTR {
    const V square = hn::MulAdd(alpha, LoadFirst(d, squares + i, n), hn::Mul(rest, hn::Mul(g, g)));
    StoreFirst(square, d, squares + i, n);
    V step = hn::Div(g, hn::Add(hn::Sqrt(square), epsilon));
    if (has_momentum) {
      step = hn::MulAdd(momentum, LoadFirst(d, velocities + i, n), step);
      StoreFirst(step, d, velocities + i, n);
    }
    return hn::NegMulAdd(rate, step, w);
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
