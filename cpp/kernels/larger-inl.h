// SPDX-License-Identifier: Apache-2.0

// The maximum as max pooling has it.

#if defined(ESPALIER_KERNELS_LARGER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_LARGER_INL_H_
#undef ESPALIER_KERNELS_LARGER_INL_H_
#else
#define ESPALIER_KERNELS_LARGER_INL_H_
#endif

#include <cstdint>

#include "kernels/dispatch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The larger, or NaN if there is one: Max alone drops NaN on some targets.
template <class V>
HWY_INLINE V Larger(V a, V b) {
  return hn::IfThenElse(hn::IsNaN(a), a, hn::Max(a, b));
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_LARGER_INL_H_
