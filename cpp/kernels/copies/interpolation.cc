// SPDX-License-Identifier: Apache-2.0
#include "kernels/copies/interpolation.h"

#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/copies/interpolation.cc"
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
using V = hn::Vec<D>;

// Calls body(first channel, count) for each vector of channels.
template <class Body>
HWY_INLINE void ForVectors(std::size_t channels, Body body) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(c, lanes);
  if (c < channels) body(c, channels - c);
}

void InterpolateKernel(const SampledRow& row, const float* x, float* y) {
  const D d;
  const std::size_t channels = static_cast<std::size_t>(row.channels);
  const V down = hn::Set(d, row.row.weight);
  const V up = hn::Set(d, 1.0f - row.row.weight);
  for (std::int64_t j = 0; j < row.width; ++j, y += row.channels) {
    const AxisSample& column = row.columns[j];
    const float* high = x + row.row.low_row + column.low * row.channels;
    const float* low = x + row.row.high_row + column.low * row.channels;
    const std::size_t step = static_cast<std::size_t>(column.step * row.channels);
    const V right = hn::Set(d, column.weight);
    const V left = hn::Set(d, 1.0f - column.weight);
    ForVectors(channels, [&](std::size_t c, std::size_t count) HWY_ATTR {
      const V upper = hn::MulAdd(LoadFirst(d, high + step + c, count), right,
                                 hn::Mul(LoadFirst(d, high + c, count), left));
      const V lower = hn::MulAdd(LoadFirst(d, low + step + c, count), right,
                                 hn::Mul(LoadFirst(d, low + c, count), left));
      StoreFirst(hn::MulAdd(lower, down, hn::Mul(upper, up)), d, y + c, count);
    });
  }
}

HWY_INLINE void AddScaled(D d, V x, float factor, std::size_t count, float* sums) {
  StoreFirst(hn::MulAdd(x, hn::Set(d, factor), LoadFirst(d, sums, count)), d, sums, count);
}

void InterpolateBackwardKernel(const SampledRow& row, const float* grad_y, float* grad_x) {
  const D d;
  const std::size_t channels = static_cast<std::size_t>(row.channels);
  const float down = row.row.weight;
  for (std::int64_t j = 0; j < row.width; ++j, grad_y += row.channels) {
    const AxisSample& column = row.columns[j];
    float* high = grad_x + row.row.low_row + column.low * row.channels;
    float* low = grad_x + row.row.high_row + column.low * row.channels;
    const std::size_t step = static_cast<std::size_t>(column.step * row.channels);
    const float right = column.weight;
    ForVectors(channels, [&](std::size_t c, std::size_t count) HWY_ATTR {
      const V grad = LoadFirst(d, grad_y + c, count);
      AddScaled(d, grad, (1.0f - down) * (1.0f - right), count, high + c);
      AddScaled(d, grad, (1.0f - down) * right, count, high + step + c);
      AddScaled(d, grad, down * (1.0f - right), count, low + c);
      AddScaled(d, grad, down * right, count, low + step + c);
    });
  }
}

void PickBackwardKernel(const SampledRow& row, const float* grad_y, float* grad_x) {
  const D d;
  const std::size_t channels = static_cast<std::size_t>(row.channels);
  for (std::int64_t j = 0; j < row.width; ++j, grad_y += row.channels) {
    float* to = grad_x + row.row.low_row + row.columns[j].low * row.channels;
    ForVectors(channels, [&](std::size_t c, std::size_t count) HWY_ATTR {
      StoreFirst(hn::Add(LoadFirst(d, to + c, count), LoadFirst(d, grad_y + c, count)), d, to + c,
                 count);
    });
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void InterpolateRow(const SampledRow& row, const float* x, float* y) {
  ESPALIER_KERNEL(InterpolateKernel)(row, x, y);
}

void InterpolateRowBackward(const SampledRow& row, const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(InterpolateBackwardKernel)(row, grad_y, grad_x);
}

void PickRow(const SampledRow& row, const float* x, float* y) {
  const std::size_t bytes = static_cast<std::size_t>(row.channels) * sizeof(float);
  for (std::int64_t j = 0; j < row.width; ++j) {
    std::memcpy(y + j * row.channels, x + row.row.low_row + row.columns[j].low * row.channels,
                bytes);
  }
}

void PickRowBackward(const SampledRow& row, const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(PickBackwardKernel)(row, grad_y, grad_x);
}

}  // namespace espalier
#endif
