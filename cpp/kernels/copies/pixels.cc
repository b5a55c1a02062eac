// SPDX-License-Identifier: Apache-2.0
#include "kernels/copies/pixels.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/copies/pixels.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

void ConvertPixelsKernel(const Pixels& pixels, std::size_t count, float* y) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::int32_t, decltype(d)> whole;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const auto factor = hn::Set(d, pixels.scale);
  const auto summand = hn::Set(d, pixels.offset);
  const auto convert = [&](auto values) HWY_ATTR {
    return hn::Add(hn::Mul(hn::ConvertTo(d, hn::PromoteTo(whole, values)), factor), summand);
  };
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(convert(hn::LoadU(bytes, pixels.data + i)), d, y + i);
  }
  const std::size_t rest = count - i;
  if (rest != 0) {
    hn::StoreN(convert(hn::LoadN(bytes, pixels.data + i, rest)), d, y + i, rest);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void ConvertPixels(const Pixels& pixels, std::int64_t count, float* y) {
  ESPALIER_KERNEL(ConvertPixelsKernel)(pixels, static_cast<std::size_t>(count), y);
}

}  // namespace espalier
#endif
