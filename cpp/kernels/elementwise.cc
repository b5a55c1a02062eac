// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

struct Add {
  HWY_INLINE V operator()(V a, V b) const { return hn::Add(a, b); }
};

struct Multiply {
  HWY_INLINE V operator()(V x, V factor) const {
    return hn::IfThenZeroElse(hn::Eq(factor, hn::Zero(D())), hn::Mul(x, factor));
  }
};

template <class Operation>
HWY_INLINE void ForPairs(const float* a, const float* b, std::size_t count, float* y,
                         Operation operation) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(operation(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
  }
  const std::size_t rest = count - i;
  if (rest != 0) {
    hn::StoreN(operation(hn::LoadN(d, a + i, rest), hn::LoadN(d, b + i, rest)), d, y + i, rest);
  }
}

void AddKernel(const float* a, const float* b, std::size_t count, float* y) {
  ForPairs(a, b, count, y, Add());
}

void MultiplySelectedKernel(const float* x, const float* factors, std::size_t count, float* y) {
  ForPairs(x, factors, count, y, Multiply());
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void AddArrays(const float* a, const float* b, std::int64_t count, float* y) {
  ESPALIER_KERNEL(AddKernel)(a, b, static_cast<std::size_t>(count), y);
}

void MultiplySelected(const float* x, const float* factors, std::int64_t count, float* y) {
  ESPALIER_KERNEL(MultiplySelectedKernel)(x, factors, static_cast<std::size_t>(count), y);
}

}  // namespace espalier
#endif
