// SPDX-License-Identifier: Apache-2.0

// Rows of few channels seen as fewer, wider rows: several rows together fill whole vectors,
// in which each lane keeps its channel.

#if defined(ESPALIER_KERNELS_VECTORS_CHANNEL_PERIOD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_VECTORS_CHANNEL_PERIOD_INL_H_
#undef ESPALIER_KERNELS_VECTORS_CHANNEL_PERIOD_INL_H_
#else
#define ESPALIER_KERNELS_VECTORS_CHANNEL_PERIOD_INL_H_
#endif

#include <cstddef>
#include <cstring>

#include "kernels/dispatch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// From here on a last vector that is not full is a small part of a row.
constexpr std::size_t kManyChannels = 64;

// Columns of a period that are worked on at a time: what the stack holds of what belongs to them,
// and a multiple of four vectors. The widest period is 63 channels times 16 lanes.
constexpr std::size_t kPeriodPart = 256;

// How many rows make a period: whole vectors, and at least four of them.
HWY_INLINE std::size_t ChannelRepeats(std::size_t channels) {
  if (channels >= kManyChannels) return 1;
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  std::size_t repeats = 1;
  while (repeats * channels % lanes != 0) repeats *= 2;  // lanes is a power of two
  while (repeats * channels < 4 * lanes) repeats *= 2;
  return repeats;
}

// part[i] = values[the channel of the period's column first + i].
HWY_INLINE void RepeatChannels(const float* values, std::size_t channels, std::size_t first,
                               std::size_t count, float* part) {
  std::size_t channel = first % channels;
  for (std::size_t i = 0; i < count;) {
    const std::size_t run = HWY_MIN(channels - channel, count - i);
    std::memcpy(part + i, values + channel, run * sizeof(float));
    i += run;
    channel = 0;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_VECTORS_CHANNEL_PERIOD_INL_H_
