// SPDX-License-Identifier: Apache-2.0
#include "kernels/norms/batch_normalization.h"

#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norms/batch_normalization.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/activation-inl.h"
#include "kernels/vectors/channel_period-inl.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Vectors of channels whose settings are in registers at once: a cache line or more of each
// row, so that memory is read in whole lines.
constexpr std::size_t kGroup = 4;

// What happens to an element, given the settings of its channel.
template <Activation kKind, bool kAdds>
struct Forward {
  static constexpr std::size_t kSettings = 3;  // mean, scale, bias
  const float* x;
  const float* residual;
  float* y;
  float slope;

  HWY_INLINE void Apply(D d, std::size_t at, std::size_t count, const V* s) const {
    const V centered = hn::Sub(LoadFirst(d, x + at, count), s[0]);
    V value = hn::MulAdd(centered, s[1], s[2]);
    if constexpr (kAdds) value = hn::Add(value, LoadFirst(d, residual + at, count));
    StoreFirst(ActivateAs<kKind>(d, value, hn::Set(d, slope)), d, y + at, count);
  }
};

struct Backward {
  static constexpr std::size_t kSettings = 4;  // mean, scale, average, slope
  const float* x;
  const float* grad_y;
  float* grad_x;

  HWY_INLINE void Apply(D d, std::size_t at, std::size_t count, const V* s) const {
    const V centered = hn::Sub(LoadFirst(d, x + at, count), s[0]);
    const V gradient = hn::Mul(hn::Sub(LoadFirst(d, grad_y + at, count), s[2]), s[1]);
    StoreFirst(hn::NegMulAdd(centered, s[3], gradient), d, grad_x + at, count);
  }
};

// With the activation's results made again.
template <Activation kKind>
struct BackwardOfActivated {
  static constexpr std::size_t kSettings = 5;  // mean, scale, bias, average, slope
  const float* x;
  const float* grad_y;
  float* grad_x;
  float activation_slope;

  HWY_INLINE void Apply(D d, std::size_t at, std::size_t count, const V* s) const {
    const V slope = hn::Set(d, activation_slope);
    const V centered = hn::Sub(LoadFirst(d, x + at, count), s[0]);
    const V y = ActivateAs<kKind>(d, hn::MulAdd(centered, s[1], s[2]), slope);
    const V grad = GradientAs<kKind>(d, y, LoadFirst(d, grad_y + at, count), slope);
    const V gradient = hn::Mul(hn::Sub(grad, s[3]), s[1]);
    StoreFirst(hn::NegMulAdd(centered, s[4], gradient), d, grad_x + at, count);
  }
};

struct BackwardOfShared {
  static constexpr std::size_t kSettings = 5;  // mean, weight, average, scale, slope
  const float* x;
  const float* grad_y;
  float* grad_x;

  HWY_INLINE void Apply(D d, std::size_t at, std::size_t count, const V* s) const {
    const V centered = hn::Sub(LoadFirst(d, x + at, count), s[0]);
    const V weighted = hn::Mul(LoadFirst(d, grad_y + at, count), s[1]);
    const V gradient = hn::Mul(hn::Sub(weighted, s[2]), s[3]);
    StoreFirst(hn::NegMulAdd(centered, s[4], gradient), d, grad_x + at, count);
  }
};

struct BackwardOfConstants {
  static constexpr std::size_t kSettings = 1;  // scale
  const float* grad_y;
  float* grad_x;

  HWY_INLINE void Apply(D d, std::size_t at, std::size_t count, const V* s) const {
    StoreFirst(hn::Mul(LoadFirst(d, grad_y + at, count), s[0]), d, grad_x + at, count);
  }
};

template <std::size_t kVectors, class Operation>
HWY_INLINE void ForGroup(std::size_t rows, std::size_t width, std::size_t at, std::size_t count,
                         const float* const* settings, std::size_t column,
                         const Operation& operation) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V values[kVectors][Operation::kSettings];
  for (std::size_t v = 0; v < kVectors; ++v) {
    for (std::size_t s = 0; s < Operation::kSettings; ++s) {
      values[v][s] = LoadFirst(d, settings[s] + column + v * lanes, count);
    }
  }
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      operation.Apply(d, at + row * width + column + v * lanes, count, values[v]);
    }
  }
}

template <class Operation>
HWY_INLINE void ForColumns(std::size_t rows, std::size_t width, std::size_t at, std::size_t columns,
                           const float* const* settings, const Operation& operation) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t j = 0;
  for (; j + kGroup * lanes <= columns; j += kGroup * lanes) {
    ForGroup<kGroup>(rows, width, at, lanes, settings, j, operation);
  }
  for (; j < columns; j += lanes) {
    ForGroup<1>(rows, width, at, HWY_MIN(lanes, columns - j), settings, j, operation);
  }
}

template <class Operation>
void ForRows(std::int64_t channels_in, std::int64_t first, std::int64_t last,
             const float* const* settings, const Operation& operation) {
  const std::size_t channels = static_cast<std::size_t>(channels_in);
  const std::size_t rows = static_cast<std::size_t>(last - first);
  const std::size_t at = static_cast<std::size_t>(first) * channels;
  const std::size_t repeats = ChannelRepeats(channels);
  if (repeats == 1 || rows < repeats) {
    ForColumns(rows, channels, at, channels, settings, operation);
    return;
  }
  HWY_ALIGN float part[Operation::kSettings][kPeriodPart];
  const float* part_settings[Operation::kSettings];
  const std::size_t period = repeats * channels;
  for (std::size_t begin = 0; begin < period; begin += kPeriodPart) {
    const std::size_t columns = HWY_MIN(kPeriodPart, period - begin);
    for (std::size_t s = 0; s < Operation::kSettings; ++s) {
      RepeatChannels(settings[s], channels, begin, columns, part[s]);
      part_settings[s] = part[s];
    }
    ForColumns(rows / repeats, period, at + begin, columns, part_settings, operation);
  }
  ForColumns(rows % repeats, channels, at + rows / repeats * period, channels, settings, operation);
}

template <Activation kKind, bool kAdds = false>
void ScaleAs(const ChannelScaling& scaling, std::int64_t first, std::int64_t last, const float* x,
             float* y) {
  const float* const settings[] = {scaling.mean, scaling.scale, scaling.bias};
  ForRows(scaling.channels, first, last, settings,
          Forward<kKind, kAdds>{x, scaling.residual, y, scaling.slope});
}

void ScaleAndAdd(const ChannelScaling& scaling, std::int64_t first, std::int64_t last,
                 const float* x, float* y) {
  switch (scaling.activation) {
    case Activation::kRelu:
      return ScaleAs<Activation::kRelu, true>(scaling, first, last, x, y);
    case Activation::kRelu6:
      return ScaleAs<Activation::kRelu6, true>(scaling, first, last, x, y);
    case Activation::kLeakyRelu:
      return ScaleAs<Activation::kLeakyRelu, true>(scaling, first, last, x, y);
    default: {
      ScaleAs<Activation::kNone, true>(scaling, first, last, x, y);
      float* const begin = y + first * scaling.channels;
      if (scaling.activation == Activation::kNone) return;
      ActivationForward(scaling.activation, scaling.slope, begin, (last - first) * scaling.channels,
                        begin);
    }
  }
}

void ScaleKernel(const ChannelScaling& scaling, std::int64_t first, std::int64_t last,
                 const float* x, float* y) {
  if (scaling.residual != nullptr) return ScaleAndAdd(scaling, first, last, x, y);
  switch (scaling.activation) {
    case Activation::kNone:
      return ScaleAs<Activation::kNone>(scaling, first, last, x, y);
    case Activation::kRelu:
      return ScaleAs<Activation::kRelu>(scaling, first, last, x, y);
    case Activation::kRelu6:
      return ScaleAs<Activation::kRelu6>(scaling, first, last, x, y);
    case Activation::kLeakyRelu:
      return ScaleAs<Activation::kLeakyRelu>(scaling, first, last, x, y);
    case Activation::kGelu:
      return ScaleAs<Activation::kGelu>(scaling, first, last, x, y);
    case Activation::kSilu:
      return ScaleAs<Activation::kSilu>(scaling, first, last, x, y);
    case Activation::kSigmoid:
      return ScaleAs<Activation::kSigmoid>(scaling, first, last, x, y);
    case Activation::kTanh:
      return ScaleAs<Activation::kTanh>(scaling, first, last, x, y);
    default: {  // rarely after a norm: a pass of its own
      ScaleAs<Activation::kNone>(scaling, first, last, x, y);
      float* const begin = y + first * scaling.channels;
      ActivationForward(scaling.activation, scaling.slope, begin, (last - first) * scaling.channels,
                        begin);
    }
  }
}

void BackwardKernel(const ChannelScalingGradient& g, std::int64_t first, std::int64_t last,
                    const float* x, const float* grad_y, float* grad_x) {
  const float* const settings[] = {g.mean, g.scale, g.average, g.slope};
  ForRows(g.channels, first, last, settings, Backward{x, grad_y, grad_x});
}

template <Activation kKind>
void BackwardAs(const ChannelScalingGradient& g, const ChannelScaling& scaling, std::int64_t first,
                std::int64_t last, const float* x, const float* grad_y, float* grad_x) {
  const float* const settings[] = {g.mean, g.scale, scaling.bias, g.average, g.slope};
  ForRows(g.channels, first, last, settings,
          BackwardOfActivated<kKind>{x, grad_y, grad_x, scaling.slope});
}

void BackwardOfActivatedKernel(const ChannelScalingGradient& g, const ChannelScaling& scaling,
                               std::int64_t first, std::int64_t last, const float* x,
                               const float* grad_y, float* grad_x) {
  switch (scaling.activation) {
    case Activation::kRelu:
      return BackwardAs<Activation::kRelu>(g, scaling, first, last, x, grad_y, grad_x);
    case Activation::kRelu6:
      return BackwardAs<Activation::kRelu6>(g, scaling, first, last, x, grad_y, grad_x);
    case Activation::kLeakyRelu:
      return BackwardAs<Activation::kLeakyRelu>(g, scaling, first, last, x, grad_y, grad_x);
    default:
      return BackwardKernel(g, first, last, x, grad_y, grad_x);
  }
}

void BackwardOfSharedKernel(const SharedScalingGradient& g, std::int64_t first, std::int64_t last,
                            const float* x, const float* grad_y, float* grad_x) {
  const float* const settings[] = {g.mean, g.weight, g.average, g.scale, g.slope};
  ForRows(g.channels, first, last, settings, BackwardOfShared{x, grad_y, grad_x});
}

void BackwardOfConstantsKernel(std::int64_t channels, const float* scale, std::int64_t first,
                               std::int64_t last, const float* grad_y, float* grad_x) {
  ForRows(channels, first, last, &scale, BackwardOfConstants{grad_y, grad_x});
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void NormalizationScales(std::int64_t channels, const float* weight, const float* variance,
                         float epsilon, float* scales) {
  for (std::int64_t c = 0; c < channels; ++c) {
    scales[c] = weight[c] / std::sqrt(variance[c] + epsilon);
  }
}

void ScaleChannels(const ChannelScaling& scaling, std::int64_t first, std::int64_t last,
                   const float* x, float* y) {
  ESPALIER_KERNEL(ScaleKernel)(scaling, first, last, x, y);
}

void ScaleChannelsBackward(const ChannelScalingGradient& gradient, std::int64_t first,
                           std::int64_t last, const float* x, const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(BackwardKernel)(gradient, first, last, x, grad_y, grad_x);
}

void ScaleChannelsBackward(const ChannelScalingGradient& gradient, const ChannelScaling& scaling,
                           std::int64_t first, std::int64_t last, const float* x,
                           const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(BackwardOfActivatedKernel)(gradient, scaling, first, last, x, grad_y, grad_x);
}

void ScaleChannelsBackward(std::int64_t channels, const float* scale, std::int64_t first,
                           std::int64_t last, const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(BackwardOfConstantsKernel)(channels, scale, first, last, grad_y, grad_x);
}

void ScaleChannelsBackward(const SharedScalingGradient& gradient, std::int64_t first,
                           std::int64_t last, const float* x, const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(BackwardOfSharedKernel)(gradient, first, last, x, grad_y, grad_x);
}

}  // namespace espalier
#endif
