// SPDX-License-Identifier: Apache-2.0
#include "kernels/optimizers/move_towards.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optimizers/move_towards.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

void MoveTowardsKernel(const float* targets, float fraction, float* values, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto share = hn::Set(d, fraction);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto value = LoadFirst(d, values + i, n);
    const auto distance = hn::Sub(LoadFirst(d, targets + i, n), value);
    StoreFirst(hn::MulAdd(share, distance, value), d, values + i, n);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void MoveTowards(const float* targets, float fraction, float* values, std::int64_t count) {
  ESPALIER_KERNEL(MoveTowardsKernel)(targets, fraction, values, static_cast<std::size_t>(count));
}

}  // namespace espalier
#endif  // HWY_ONCE
