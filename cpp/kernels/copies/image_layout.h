// SPDX-License-Identifier: Apache-2.0
#pragma once

// Between the public layout of a value, [channels, positions], and the one inside plans,
// [positions, channels] ("channels last").

#include <cstdint>

namespace espalier {

struct ImageLayout {
  std::int64_t channels;
  std::int64_t positions;  // height · width

  /// True if both layouts are the same.
  bool IsTrivial() const { return channels == 1 || positions == 1; }
};

// One image; of it, positions [first, last), so that callers can share it out.

/// channels_last[p·channels + c] = channels_first[c·positions + p].
void ToChannelsLast(const ImageLayout& layout, std::int64_t first, std::int64_t last,
                    const float* channels_first, float* channels_last);

/// As ToChannelsLast, of (x - mean[c]) · scale[c].
void NormalizeToChannelsLast(const ImageLayout& layout, std::int64_t first, std::int64_t last,
                             const float* mean, const float* scale, const float* channels_first,
                             float* channels_last);

/// The inverse of ToChannelsLast.
void ToChannelsFirst(const ImageLayout& layout, std::int64_t first, std::int64_t last,
                     const float* channels_last, float* channels_first);

}  // namespace espalier
