// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/channels.h"

namespace espalier {

/// What normalization does to channel c: x̂ = (x - mean[c]) / √(variance[c] + epsilon),
/// y = weight[c]·x̂ + bias[c].
struct ChannelNormalization {
  ChannelLayout layout;
  float epsilon;
  const float* mean;
  const float* variance;
  const float* weight;
  const float* bias;  // not read by gradients
};

/// y, for channels [first, last). y may be x.
void NormalizeChannels(const ChannelNormalization& normalization, std::int64_t first,
                       std::int64_t last, const float* x, float* y);

/// The gradient of x for channels [first, last) where mean and variance are those of x:
/// with ḡ the mean of grad_y and p the mean of grad_y·x̂ over the channel,
/// weight / √(variance + epsilon) · (grad_y - ḡ - x̂·p). `sums` and `products` are
/// ChannelGradientSums'; null for both: mean and variance are constants, ḡ and p are 0.
void NormalizeChannelsBackward(const ChannelNormalization& normalization, std::int64_t first,
                               std::int64_t last, const float* x, const float* grad_y,
                               const float* sums, const float* products, float* grad_x);

}  // namespace espalier
