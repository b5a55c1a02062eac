// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/dropout.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/dropout.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"

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

// y where kept, of `count` elements, a vector at most.
HWY_INLINE void StoreKept(hn::Mask<D> is_kept, hn::Vec<D> scales, const float* x, std::size_t count,
                          float* y) {
  const D d;
  StoreFirst(hn::IfThenElseZero(is_kept, hn::Mul(LoadFirst(d, x, count), scales)), d, y, count);
}

void Forward(const RandomKey& key, std::uint32_t threshold, float scale, const DropoutRange& range,
             const float* x, float* y) {
  const D d;
  const DU du;
  const std::size_t lanes = hn::Lanes(d);
  const VU thresholds = hn::Set(du, threshold);
  const auto scales = hn::Set(d, scale);
  HWY_ALIGN std::uint32_t words[4 * hn::MaxLanes(DU())];
  std::uint8_t* kept = range.kept;
  for (std::int64_t i = range.first; i < range.last; i += static_cast<std::int64_t>(4 * lanes)) {
    const PhiloxBlocks blocks(key, static_cast<std::uint32_t>(i / 4));
    hn::StoreInterleaved4(blocks.words[0], blocks.words[1], blocks.words[2], blocks.words[3], du,
                          words);
    std::uint8_t bits[16];  // the last mask may take 8
    const std::size_t group = std::min(static_cast<std::size_t>(range.last - i), 4 * lanes);
    for (std::size_t at = 0; at < group; at += lanes) {
      const auto is_kept = hn::RebindMask(d, hn::Ge(hn::Load(du, words + at), thresholds));
      StoreKept(is_kept, scales, x + at, std::min(group - at, lanes), y + at);
      if (lanes >= 8 || at % 8 == 0) {
        hn::StoreMaskBits(d, is_kept, bits + at / 8);
      } else {  // fewer lanes share a byte
        std::uint8_t more[8];
        hn::StoreMaskBits(d, is_kept, more);
        bits[at / 8] = static_cast<std::uint8_t>(bits[at / 8] | more[0] << (at % 8));
      }
    }
    x += group;
    y += group;
    if (kept == nullptr) continue;
    kept = std::copy_n(bits, (group + 7) / 8, kept);
  }
}

void Backward(float scale, std::size_t count, const std::uint8_t* kept, const float* grad_y,
              float* grad_x) {
  const D d;
  const DU du;
  const std::size_t lanes = hn::Lanes(d);
  const auto scales = hn::Set(d, scale);
  const VU first_bits = hn::Shl(hn::Set(du, 1u), hn::Iota(du, 0u));
  const auto multiply = [&](std::size_t first, std::size_t size, std::uint32_t bits) {
    for (std::size_t at = 0; at < size; at += lanes, bits >>= lanes) {
      const auto is_kept = hn::TestBit(hn::Set(du, bits), first_bits);
      StoreKept(hn::RebindMask(d, is_kept), scales, grad_y + first + at, std::min(size - at, lanes),
                grad_x + first + at);
    }
  };
  constexpr std::size_t kBits = 32;
  std::size_t i = 0;
  std::uint32_t bits = 0;
  for (; i + kBits <= count; i += kBits) {
    std::memcpy(&bits, kept + i / 8, sizeof(bits));
    multiply(i, kBits, bits);
  }
  bits = 0;
  std::memcpy(&bits, kept + i / 8, (count - i + 7) / 8);
  multiply(i, count - i, bits);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

namespace {

float Scale(double rate) { return static_cast<float>(1.0 / (1.0 - rate)); }

}  // namespace

void DropoutForward(const RandomKey& key, double rate, const DropoutRange& range, const float* x,
                    float* y) {
  // A word below the threshold drops; the largest threshold is below 2^32.
  const double threshold = std::min(std::nearbyint(rate * 0x1p32), 0x1p32 - 1.0);
  ESPALIER_KERNEL(Forward)(key, static_cast<std::uint32_t>(threshold), Scale(rate), range, x, y);
}

void DropoutBackward(double rate, std::int64_t count, const std::uint8_t* kept, const float* grad_y,
                     float* grad_x) {
  ESPALIER_KERNEL(Backward)(Scale(rate), static_cast<std::size_t>(count), kept, grad_y, grad_x);
}

}  // namespace espalier
#endif
