// SPDX-License-Identifier: Apache-2.0

// Loads and stores of the first n <= Lanes(d) elements, at full speed where n is all of
// them: the masked forms cost several times as much on some targets.

#if defined(ESPALIER_KERNELS_VECTORS_PARTIAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_VECTORS_PARTIAL_INL_H_
#undef ESPALIER_KERNELS_VECTORS_PARTIAL_INL_H_
#else
#define ESPALIER_KERNELS_VECTORS_PARTIAL_INL_H_
#endif

#include <cstddef>

#include "kernels/dispatch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Elements from the n-th on are 0.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> LoadFirst(D d, const T* from, size_t n) {
  return n >= hn::Lanes(d) ? hn::LoadU(d, from) : hn::LoadN(d, from, n);
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE void StoreFirst(hn::Vec<D> v, D d, T* to, size_t n) {
  if (n >= hn::Lanes(d)) {
    hn::StoreU(v, d, to);
  } else {
    hn::StoreN(v, d, to, n);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_VECTORS_PARTIAL_INL_H_
