// SPDX-License-Identifier: Apache-2.0

// The pass of an update over its arrays, for rules that say what becomes of a vector.

#if defined(ESPALIER_KERNELS_OPTIMIZERS_UPDATE_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_OPTIMIZERS_UPDATE_VECTORS_INL_H_
#undef ESPALIER_KERNELS_OPTIMIZERS_UPDATE_VECTORS_INL_H_
#else
#define ESPALIER_KERNELS_OPTIMIZERS_UPDATE_VECTORS_INL_H_
#endif

#include <cstddef>

#include "kernels/optimizers/update_rule.h"
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
// update(i, n, w, g) returns the new w of elements [i, i + n) and stores their state.
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

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_OPTIMIZERS_UPDATE_VECTORS_INL_H_
