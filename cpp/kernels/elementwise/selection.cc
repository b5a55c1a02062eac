// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/selection.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/selection.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

void SelectKernel(const float* condition, const float* a, const float* b, std::size_t size,
                  float* y) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto zero = hn::Zero(d);
  for (std::size_t i = 0; i < size; i += lanes) {
    const std::size_t count = HWY_MIN(lanes, size - i);
    const auto is_zero = hn::Eq(LoadFirst(d, condition + i, count), zero);
    const auto first = a == nullptr ? zero : LoadFirst(d, a + i, count);
    const auto second = b == nullptr ? zero : LoadFirst(d, b + i, count);
    StoreFirst(hn::IfThenElse(is_zero, second, first), d, y + i, count);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void SelectArrays(const float* condition, const float* a, const float* b, std::int64_t count,
                  float* y) {
  ESPALIER_KERNEL(SelectKernel)(condition, a, b, static_cast<std::size_t>(count), y);
}

}  // namespace espalier
#endif
