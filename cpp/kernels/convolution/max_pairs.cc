// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/max_pairs.h"

#include "kernels/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convolution/max_pairs.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/pooling/larger-inl.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void MaxOfRows(const float* HWY_RESTRICT from, std::int64_t width, std::int64_t channels,
               float* HWY_RESTRICT to) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t row = width * channels;
  for (std::int64_t x = 0; x < width / 2; ++x, from += 2 * channels, to += channels) {
    for (std::int64_t c = 0; c < channels; c += lanes) {
      const auto count = static_cast<std::size_t>(channels - c);
      const float* at = from + c;
      const V upper = Larger(LoadFirst(d, at, count), LoadFirst(d, at + channels, count));
      const V lower =
          Larger(LoadFirst(d, at + row, count), LoadFirst(d, at + row + channels, count));
      StoreFirst(Larger(upper, lower), d, to + c, count);
    }
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void MaxOfPairs(const float* from, std::int64_t width, std::int64_t channels, float* to) {
  ESPALIER_KERNEL(MaxOfRows)(from, width, channels, to);
}

}  // namespace espalier
#endif  // HWY_ONCE
