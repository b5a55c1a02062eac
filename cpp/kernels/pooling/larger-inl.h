// SPDX-License-Identifier: Apache-2.0

// The maximum as max pooling has it.

#if defined(ESPALIER_KERNELS_POOLING_LARGER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_POOLING_LARGER_INL_H_
#undef ESPALIER_KERNELS_POOLING_LARGER_INL_H_
#else
#define ESPALIER_KERNELS_POOLING_LARGER_INL_H_
#endif

#include <cstdint>

#include "kernels/dispatch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The larger, or NaN if there is one. Where neither is larger it is the second, as x86's Max has
// it; that of other targets drops a second operand that is NaN.
template <class V>
HWY_INLINE V Larger(V a, V b) {
#if HWY_ARCH_X86
  return hn::IfThenElse(hn::IsNaN(a), a, hn::Max(a, b));
#else
  return hn::IfThenElse(hn::Gt(a, b), a, hn::IfThenElse(hn::IsNaN(a), a, b));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_POOLING_LARGER_INL_H_
