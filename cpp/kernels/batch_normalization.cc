// SPDX-License-Identifier: Apache-2.0
#include "kernels/batch_normalization.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/batch_normalization.cc"
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
using V = hn::Vec<D>;

// Loads settings of channels: one for all lanes, or each lane's own.
struct Broadcast {
  HWY_INLINE V operator()(D d, const float* values, std::int64_t c, std::size_t /*count*/) const {
    return hn::Set(d, values[c]);
  }
};
struct PerLane {
  HWY_INLINE V operator()(D d, const float* values, std::int64_t c, std::size_t count) const {
    return LoadFirst(d, values + c, count);
  }
};

// y = (x - mean)·scale + bias. Centred first: x·scale + shift would cancel where the mean
// is large.
struct Forward {
  const ChannelNormalization& n;
  const float* x;
  float* y;

  struct Settings {
    V mean, scale, bias;
  };
  template <class Load>
  HWY_INLINE Settings For(D d, std::int64_t c, std::size_t count, Load load) const {
    const V variance = hn::Add(load(d, n.variance, c, count), hn::Set(d, n.epsilon));
    return {load(d, n.mean, c, count), hn::Div(load(d, n.weight, c, count), hn::Sqrt(variance)),
            load(d, n.bias, c, count)};
  }
  HWY_INLINE V Apply(V x_part, const Settings& s) const {
    return hn::MulAdd(hn::Sub(x_part, s.mean), s.scale, s.bias);
  }
  HWY_INLINE void Full(D d, std::size_t at, const Settings& s) const {
    hn::StoreU(Apply(hn::LoadU(d, x + at), s), d, y + at);
  }
  HWY_INLINE void Part(D d, std::size_t at, std::size_t count, const Settings& s) const {
    hn::StoreN(Apply(hn::LoadN(d, x + at, count), s), d, y + at, count);
  }
};

// grad_x = (grad_y - g)·scale - (x - mean)·slope, where slope = scale·p / √(variance + epsilon).
struct Backward {
  const ChannelNormalization& n;
  const float* x;
  const float* grad_y;
  const float* sums;
  const float* products;
  float* grad_x;

  struct Settings {
    V mean, scale, g, slope;
  };
  template <class Load>
  HWY_INLINE Settings For(D d, std::int64_t c, std::size_t count, Load load) const {
    const V variance = hn::Add(load(d, n.variance, c, count), hn::Set(d, n.epsilon));
    const V scale = hn::Div(load(d, n.weight, c, count), hn::Sqrt(variance));
    if (sums == nullptr) return {hn::Zero(d), scale, hn::Zero(d), hn::Zero(d)};
    const V share = hn::Set(d, 1.0f / static_cast<float>(n.layout.per_channel()));
    const V product = hn::Mul(load(d, products, c, count), share);
    return {load(d, n.mean, c, count), scale, hn::Mul(load(d, sums, c, count), share),
            hn::Div(hn::Mul(scale, product), variance)};
  }
  HWY_INLINE V Apply(V x_part, V grad_part, const Settings& s) const {
    const V gradient = hn::Mul(hn::Sub(grad_part, s.g), s.scale);
    return hn::NegMulAdd(hn::Sub(x_part, s.mean), s.slope, gradient);
  }
  HWY_INLINE void Full(D d, std::size_t at, const Settings& s) const {
    if (sums == nullptr) {
      hn::StoreU(hn::Mul(hn::LoadU(d, grad_y + at), s.scale), d, grad_x + at);
    } else {
      hn::StoreU(Apply(hn::LoadU(d, x + at), hn::LoadU(d, grad_y + at), s), d, grad_x + at);
    }
  }
  HWY_INLINE void Part(D d, std::size_t at, std::size_t count, const Settings& s) const {
    if (sums == nullptr) {
      hn::StoreN(hn::Mul(hn::LoadN(d, grad_y + at, count), s.scale), d, grad_x + at, count);
    } else {
      hn::StoreN(Apply(hn::LoadN(d, x + at, count), hn::LoadN(d, grad_y + at, count), s), d,
                 grad_x + at, count);
    }
  }
};

template <class Operation>
void ForChannels(const ChannelLayout& layout, std::int64_t first, std::int64_t last,
                 const Operation& operation) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t spatial = static_cast<std::size_t>(layout.spatial);
  if (spatial > 1) {
    for (std::int64_t c = first; c < last; ++c) {
      const auto settings = operation.For(d, c, lanes, Broadcast());
      for (std::int64_t n = 0; n < layout.batch; ++n) {
        const std::size_t begin = static_cast<std::size_t>(n * layout.channels + c) * spatial;
        std::size_t i = 0;
        for (; i + lanes <= spatial; i += lanes) operation.Full(d, begin + i, settings);
        if (i < spatial) operation.Part(d, begin + i, spatial - i, settings);
      }
    }
    return;
  }
  for (std::int64_t c = first; c < last; c += static_cast<std::int64_t>(lanes)) {
    const std::size_t count = HWY_MIN(lanes, static_cast<std::size_t>(last - c));
    const auto settings = operation.For(d, c, count, PerLane());
    for (std::int64_t n = 0; n < layout.batch; ++n) {
      const std::size_t at = static_cast<std::size_t>(n * layout.channels + c);
      if (count == lanes) {
        operation.Full(d, at, settings);
      } else {
        operation.Part(d, at, count, settings);
      }
    }
  }
}

void NormalizeKernel(const ChannelNormalization& normalization, std::int64_t first,
                     std::int64_t last, const float* x, float* y) {
  ForChannels(normalization.layout, first, last, Forward{normalization, x, y});
}

void BackwardKernel(const ChannelNormalization& normalization, std::int64_t first,
                    std::int64_t last, const float* x, const float* grad_y, const float* sums,
                    const float* products, float* grad_x) {
  ForChannels(normalization.layout, first, last,
              Backward{normalization, x, grad_y, sums, products, grad_x});
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void NormalizeChannels(const ChannelNormalization& normalization, std::int64_t first,
                       std::int64_t last, const float* x, float* y) {
  ESPALIER_KERNEL(NormalizeKernel)(normalization, first, last, x, y);
}

void NormalizeChannelsBackward(const ChannelNormalization& normalization, std::int64_t first,
                               std::int64_t last, const float* x, const float* grad_y,
                               const float* sums, const float* products, float* grad_x) {
  ESPALIER_KERNEL(BackwardKernel)
  (normalization, first, last, x, grad_y, sums, products, grad_x);
}

}  // namespace espalier
#endif
