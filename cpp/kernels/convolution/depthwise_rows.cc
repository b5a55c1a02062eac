// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/depthwise_rows.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convolution/depthwise_rows.cc"
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

constexpr int kTaps = 3;  // columns of the kernel
constexpr int kTile = 4;  // sums side by side, which hide the latency of multiply-adds

// Comparisons rather than Min and Max, which drop NaN on some targets.
HWY_INLINE V Clamp(V sum, V least, V most) {
  const V raised = hn::IfThenElse(hn::Le(sum, least), least, sum);
  return hn::IfThenElse(hn::Gt(raised, most), most, raised);
}

// A vector of channels from `c` on, down all rows: the weights stay in registers, and what one
// row reads of x the next one finds in L1.
template <int kRows, int kStride, bool kIsFull>
void SumVector(const DepthwiseRows& rows, std::int64_t c, std::size_t count) {
  const D d;
  const auto load = [=](const float* from) HWY_ATTR {
    return kIsFull ? hn::LoadU(d, from) : hn::LoadN(d, from, count);
  };
  const auto store = [=](V sum, float* to) HWY_ATTR {
    if constexpr (kIsFull) {
      hn::StoreU(sum, d, to);
    } else {
      hn::StoreN(sum, d, to, count);
    }
  };
  const std::int64_t channels = rows.channels;
  const std::int64_t kernel_row_stride = rows.kernel_row_stride;
  const float* const weights = rows.weights + c;
  V weight[kRows][kTaps];
  HWY_UNROLL(3)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(3)
    for (int k = 0; k < kTaps; ++k) weight[r][k] = load(weights + (r * kTaps + k) * channels);
  }
  const V start = rows.bias == nullptr ? hn::Zero(d) : load(rows.bias + c);
  const float infinity = std::numeric_limits<float>::infinity();
  const bool clamps = rows.activation != Activation::kNone;
  const V least = hn::Set(d, clamps ? 0.0f : -infinity);
  const V most = hn::Set(d, rows.activation == Activation::kRelu6 ? 6.0f : infinity);

  // Sums [begin, end) have all their columns on the image.
  const std::int64_t pad = rows.pad_left;
  const std::int64_t columns = rows.columns;
  const std::int64_t room = rows.width - kTaps + pad;
  const std::int64_t end = room < 0 ? 0 : std::min(columns, room / kStride + 1);
  const std::int64_t begin = std::min(end, pad > 0 ? (pad + kStride - 1) / kStride : 0);
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    const float* const x = rows.x + i * rows.row_stride + c;
    float* const y = rows.y + i * columns * channels + c;
    const auto at_edge = [&](std::int64_t t) HWY_ATTR {
      const std::int64_t first = t * kStride - pad;
      V sum = start;
      HWY_UNROLL(3)
      for (int r = 0; r < kRows; ++r) {
        for (std::int64_t k = std::max<std::int64_t>(0, -first);
             k < std::min<std::int64_t>(kTaps, rows.width - first); ++k) {
          sum = hn::MulAdd(load(weights + (r * kTaps + k) * channels),
                           load(x + r * kernel_row_stride + (first + k) * channels), sum);
        }
      }
      store(Clamp(sum, least, most), y + t * channels);
    };
    for (std::int64_t t = 0; t < begin; ++t) at_edge(t);
    std::int64_t t = begin;
    for (; t + kTile <= end; t += kTile) {
      const float* from = x + (t * kStride - pad) * channels;
      V sums[kTile];
      HWY_UNROLL(4)
      for (int j = 0; j < kTile; ++j) sums[j] = start;
      HWY_UNROLL(3)
      for (int r = 0; r < kRows; ++r, from += kernel_row_stride) {
        constexpr int kRead = (kTile - 1) * kStride + kTaps;
        V read[kRead];
        HWY_UNROLL(9)
        for (int j = 0; j < kRead; ++j) read[j] = load(from + j * channels);
        HWY_UNROLL(3)
        for (int k = 0; k < kTaps; ++k) {
          HWY_UNROLL(4)
          for (int j = 0; j < kTile; ++j) {
            sums[j] = hn::MulAdd(weight[r][k], read[j * kStride + k], sums[j]);
          }
        }
      }
      float* const to = y + t * channels;
      if (clamps) {
        HWY_UNROLL(4)
        for (int j = 0; j < kTile; ++j) sums[j] = Clamp(sums[j], least, most);
      }
      HWY_UNROLL(4)
      for (int j = 0; j < kTile; ++j) store(sums[j], to + j * channels);
    }
    for (; t < end; ++t) {
      const float* from = x + (t * kStride - pad) * channels;
      V sum = start;
      HWY_UNROLL(3)
      for (int r = 0; r < kRows; ++r, from += kernel_row_stride) {
        HWY_UNROLL(3)
        for (int k = 0; k < kTaps; ++k) {
          sum = hn::MulAdd(weight[r][k], load(from + k * channels), sum);
        }
      }
      store(Clamp(sum, least, most), y + t * channels);
    }
    for (t = end; t < columns; ++t) at_edge(t);
  }
}

template <int kRows, int kStride>
void SumAllChannels(const DepthwiseRows& rows) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t c = 0;
  for (; c + lanes <= rows.channels; c += lanes) {
    SumVector<kRows, kStride, true>(rows, c, static_cast<std::size_t>(lanes));
  }
  if (c < rows.channels) {
    SumVector<kRows, kStride, false>(rows, c, static_cast<std::size_t>(rows.channels - c));
  }
}

using SumFunction = void (*)(const DepthwiseRows&);

void SumRows(const DepthwiseRows& rows) {
  constexpr SumFunction kSums[3][2] = {{SumAllChannels<1, 1>, SumAllChannels<1, 2>},
                                       {SumAllChannels<2, 1>, SumAllChannels<2, 2>},
                                       {SumAllChannels<3, 1>, SumAllChannels<3, 2>}};
  kSums[rows.kernel_rows - 1][rows.stride - 1](rows);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void SumDepthwiseRows(const DepthwiseRows& rows) { ESPALIER_KERNEL(SumRows)(rows); }

}  // namespace espalier
#endif  // HWY_ONCE
