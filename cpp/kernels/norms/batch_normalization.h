// SPDX-License-Identifier: Apache-2.0
#pragma once

// Normalization of the channels of arrays [rows, channels].

#include <cstdint>

#include "kernels/elementwise/activation.h"

namespace espalier {

/// scales[c] = weight[c] / √(variance[c] + epsilon).
void NormalizationScales(std::int64_t channels, const float* weight, const float* variance,
                         float epsilon, float* scales);

/// y = activation((x - mean[c])·scale[c] + bias[c] + residual). Centered first: x·scale + shift
/// would cancel where the mean is large.
struct ChannelScaling {
  std::int64_t channels;
  const float* mean;
  const float* scale;
  const float* bias;
  Activation activation = Activation::kNone;
  float slope = 0.01f;              // of leaky relu and elu
  const float* residual = nullptr;  // as x, or null
};

/// y of rows [first, last). y may be x.
void ScaleChannels(const ChannelScaling& scaling, std::int64_t first, std::int64_t last,
                   const float* x, float* y);

/// grad_x = (grad_y - average[c])·scale[c] - (x - mean[c])·slope[c]: with `average` the mean of
/// grad_y and slope = scale · mean of grad_y·(x - mean) / (variance + epsilon), the gradient
/// through mean and variance of x.
struct ChannelScalingGradient {
  std::int64_t channels;
  const float* mean;
  const float* scale;
  const float* average;
  const float* slope;
};

/// grad_x of rows [first, last). It may be grad_y.
void ScaleChannelsBackward(const ChannelScalingGradient& gradient, std::int64_t first,
                           std::int64_t last, const float* x, const float* grad_y, float* grad_x);

/// As above, with grad_y the gradient by the results of `scaling`'s activation. These are made
/// again from x: only where IsPiecewiseLinear, and without a residual.
void ScaleChannelsBackward(const ChannelScalingGradient& gradient, const ChannelScaling& scaling,
                           std::int64_t first, std::int64_t last, const float* x,
                           const float* grad_y, float* grad_x);

/// grad_x = grad_y·scale[c]: where mean and variance are constants.
void ScaleChannelsBackward(std::int64_t channels, const float* scale, std::int64_t first,
                           std::int64_t last, const float* grad_y, float* grad_x);

/// grad_x = (grad_y·weight[c] - average[c])·scale[c] - (x - mean[c])·slope[c]: the gradient where
/// channels with weights of their own share mean and variance.
struct SharedScalingGradient {
  std::int64_t channels;
  const float* mean;
  const float* weight;
  const float* average;
  const float* scale;
  const float* slope;
};

/// grad_x of rows [first, last). It may be grad_y.
void ScaleChannelsBackward(const SharedScalingGradient& gradient, std::int64_t first,
                           std::int64_t last, const float* x, const float* grad_y, float* grad_x);

}  // namespace espalier
