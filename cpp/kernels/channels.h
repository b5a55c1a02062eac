// SPDX-License-Identifier: Apache-2.0
#pragma once

// Statistics per channel of arrays [batch, channels, spatial].

#include <cstdint>

namespace espalier {

struct ChannelLayout {
  std::int64_t batch;
  std::int64_t channels;
  std::int64_t spatial;  // elements of one channel of one example; 1 for vectors

  std::int64_t per_channel() const { return batch * spatial; }
};

// All work on channels [first, last), so that callers can share them out. The order of each
// sum depends on the layout and the instruction set alone, not on the range.

/// sums[c]: of all elements of channel c.
void ChannelSums(const ChannelLayout& layout, std::int64_t first, std::int64_t last, const float* x,
                 float* sums);

/// mean[c], and variance[c] = mean of (x - mean[c])², in two passes, which loses no digits
/// where the mean is large.
void ChannelMoments(const ChannelLayout& layout, std::int64_t first, std::int64_t last,
                    const float* x, float* mean, float* variance);

/// sums[c] of grad, and products[c] of grad·(x - mean[c]).
void ChannelGradientSums(const ChannelLayout& layout, std::int64_t first, std::int64_t last,
                         const float* x, const float* mean, const float* grad, float* sums,
                         float* products);

}  // namespace espalier
