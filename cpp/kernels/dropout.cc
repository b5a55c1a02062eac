// SPDX-License-Identifier: Apache-2.0
#include "kernels/dropout.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dropout.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DU = hn::RebindToUnsigned<D>;
using VU = hn::Vec<DU>;

// The words of core/random's RandomBlock, for consecutive blocks: one in each lane.
struct PhiloxBlocks {
  VU words[4];

  HWY_INLINE PhiloxBlocks(const RandomKey& key, std::uint32_t first_block) {
    const DU du;
    VU a = hn::Iota(du, first_block);
    VU b = hn::Set(du, key.index);
    VU c = hn::Set(du, key.subindex);
    VU e = hn::Set(du, static_cast<std::uint32_t>(key.purpose));
    VU key0 = hn::Set(du, static_cast<std::uint32_t>(key.seed));
    VU key1 = hn::Set(du, static_cast<std::uint32_t>(key.seed >> 32));
    const VU multiplier0 = hn::Set(du, 0xD2511F53u);
    const VU multiplier1 = hn::Set(du, 0xCD9E8D57u);
    for (int round = 0; round < 10; ++round) {
      const VU next_a = hn::Xor(hn::Xor(hn::MulHigh(c, multiplier1), b), key0);
      const VU next_b = hn::Mul(c, multiplier1);
      const VU next_c = hn::Xor(hn::Xor(hn::MulHigh(a, multiplier0), e), key1);
      const VU next_e = hn::Mul(a, multiplier0);
      a = next_a;
      b = next_b;
      c = next_c;
      e = next_e;
      key0 = hn::Add(key0, hn::Set(du, 0x9E3779B9u));
      key1 = hn::Add(key1, hn::Set(du, 0xBB67AE85u));
    }
    words[0] = a;
    words[1] = b;
    words[2] = c;
    words[3] = e;
  }
};

void Factors(const RandomKey& key, std::uint32_t threshold, float scale, std::int64_t first,
             std::int64_t last, float* factors) {
  const D d;
  const DU du;
  const std::size_t lanes = hn::Lanes(d);
  const VU thresholds = hn::Set(du, threshold);
  const auto scales = hn::Set(d, scale);
  HWY_ALIGN std::uint32_t words[4 * hn::MaxLanes(DU())];
  for (std::int64_t i = first; i < last; i += static_cast<std::int64_t>(4 * lanes)) {
    const PhiloxBlocks blocks(key, static_cast<std::uint32_t>(i / 4));
    hn::StoreInterleaved4(blocks.words[0], blocks.words[1], blocks.words[2], blocks.words[3], du,
                          words);
    std::size_t left = static_cast<std::size_t>(last - i);
    float* to = factors + (i - first);
    for (std::size_t part = 0; part < 4 && left != 0; ++part) {
      const std::size_t count = std::min(left, lanes);
      const auto is_kept = hn::Ge(hn::Load(du, words + part * lanes), thresholds);
      StoreFirst(hn::IfThenElseZero(hn::RebindMask(d, is_kept), scales), d, to + part * lanes,
                 count);
      left -= count;
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void DropoutFactors(const RandomKey& key, double rate, std::int64_t first, std::int64_t last,
                    float* factors) {
  // A word below the threshold drops; the largest threshold is below 2^32.
  const double threshold = std::min(std::nearbyint(rate * 0x1p32), 0x1p32 - 1.0);
  const float scale = static_cast<float>(1.0 / (1.0 - rate));
  ESPALIER_KERNEL(Factors)
  (key, static_cast<std::uint32_t>(threshold), scale, first, last, factors);
}

}  // namespace espalier
#endif
