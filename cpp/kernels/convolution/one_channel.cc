// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/one_channel.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/matmul/matmul_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convolution/one_channel.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/activation-inl.h"
#include "kernels/pooling/larger-inl.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));
constexpr int kTaps = 9;

// 9 weights and 4 sums a vector: two vectors fit into 32 registers, one into 16.
constexpr int kMostVectors = HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86 ? 2 : 1;

// What all positions share for kVectors vectors of outputs.
template <int kVectors>
struct Filters {
  V weights[kTaps][kVectors];
  V bias[kVectors];
  V slope;
  std::size_t last;  // lanes of the last vector

  HWY_INLINE void Store(const V (&values)[kVectors], float* to) const {
    const D d;
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) {
      if (v + 1 < kVectors) {
        hn::StoreU(values[v], d, to + v * kLanes);
      } else {
        StoreFirst(values[v], d, to + v * kLanes, last);
      }
    }
  }
};

// Positions (y, x) with y in [0, kHeight), x in [0, kWidth) from `from` on.
template <Activation kKind, int kVectors, int kHeight, int kWidth>
HWY_INLINE void SumPositions(const Filters<kVectors>& filters, const float* HWY_RESTRICT from,
                             std::int64_t row_stride, V (&sums)[kHeight][kWidth][kVectors]) {
  const D d;
  HWY_UNROLL(2)
  for (int y = 0; y < kHeight; ++y) {
    HWY_UNROLL(2)
    for (int x = 0; x < kWidth; ++x) {
      HWY_UNROLL(2)
      for (int v = 0; v < kVectors; ++v) sums[y][x][v] = filters.bias[v];
    }
  }
  HWY_UNROLL(9)
  for (int tap = 0; tap < kTaps; ++tap) {
    HWY_UNROLL(2)
    for (int y = 0; y < kHeight; ++y) {
      HWY_UNROLL(2)
      for (int x = 0; x < kWidth; ++x) {
        const V input = hn::Set(d, from[(y + tap / 3) * row_stride + x + tap % 3]);
        HWY_UNROLL(2)
        for (int v = 0; v < kVectors; ++v) {
          sums[y][x][v] = hn::MulAdd(input, filters.weights[tap][v], sums[y][x][v]);
        }
      }
    }
  }
  HWY_UNROLL(2)
  for (int y = 0; y < kHeight; ++y) {
    HWY_UNROLL(2)
    for (int x = 0; x < kWidth; ++x) {
      HWY_UNROLL(2)
      for (int v = 0; v < kVectors; ++v) {
        sums[y][x][v] = ActivateAs<kKind>(d, sums[y][x][v], filters.slope);
      }
    }
  }
}

template <Activation kKind, int kVectors>
void SumRow(const ShiftedRows& rows, const Filters<kVectors>& filters, const float* from,
            std::int64_t row_stride, float* to) {
  const std::int64_t pixel = rows.output_pixel_stride;
  std::int64_t x = 0;
  for (; x + 2 <= rows.output_width; x += 2) {
    V sums[1][2][kVectors];
    SumPositions<kKind>(filters, from + x, row_stride, sums);
    filters.Store(sums[0][0], to + x * pixel);
    filters.Store(sums[0][1], to + (x + 1) * pixel);
  }
  if (x < rows.output_width) {
    V sums[1][1][kVectors];
    SumPositions<kKind>(filters, from + x, row_stride, sums);
    filters.Store(sums[0][0], to + x * pixel);
  }
}

template <Activation kKind, int kVectors>
void PoolRows(const ShiftedRows& rows, const Filters<kVectors>& filters, const float* from,
              std::int64_t row_stride, float* to) {
  for (std::int64_t x = 0; x + 2 <= rows.output_width; x += 2, to += rows.outputs) {
    V sums[2][2][kVectors];
    SumPositions<kKind>(filters, from + x, row_stride, sums);
    V largest[kVectors];
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) {
      largest[v] =
          Larger(Larger(sums[0][0][v], sums[0][1][v]), Larger(sums[1][0][v], sums[1][1][v]));
    }
    filters.Store(largest, to);
  }
}

template <Activation kKind, int kVectors>
void SumOutputs(const OneChannelSums& call, std::int64_t output) {
  const D d;
  const ShiftedRows& rows = call.rows;
  const std::int64_t panel = ActiveTileShape().columns;
  const std::int64_t begin = output / panel * panel;
  const std::int64_t width = std::min(panel, (rows.outputs - begin + kLanes - 1) / kLanes * kLanes);
  const float* weights = call.packed + begin * kTaps + (output - begin);
  Filters<kVectors> filters;
  filters.slope = hn::Set(d, call.epilogue.slope);
  filters.last = static_cast<std::size_t>(
      std::min<std::int64_t>(kLanes, rows.outputs - output - (kVectors - 1) * kLanes));
  HWY_UNROLL(2)
  for (int v = 0; v < kVectors; ++v) {
    const std::int64_t at = output + v * kLanes;
    filters.bias[v] = call.epilogue.column_bias == nullptr
                          ? hn::Zero(d)
                          : LoadFirst(d, call.epilogue.column_bias + at,
                                      static_cast<std::size_t>(rows.outputs - at));
    HWY_UNROLL(9)
    for (int tap = 0; tap < kTaps; ++tap) {
      filters.weights[tap][v] = hn::LoadU(d, weights + tap * width + v * kLanes);
    }
  }
  const std::int64_t row_stride = call.padded.row_stride;
  if (call.pools) {
    for (std::int64_t y = call.first; y + 2 <= call.last; y += 2) {
      PoolRows<kKind>(rows, filters, call.padded.data + (y - call.first) * row_stride, row_stride,
                      call.output + y / 2 * (rows.output_width / 2) * rows.outputs + output);
    }
  } else {
    for (std::int64_t y = call.first; y < call.last; ++y) {
      SumRow<kKind>(rows, filters, call.padded.data + (y - call.first) * row_stride, row_stride,
                    call.output + y * rows.output_row_stride + output);
    }
  }
}

template <Activation kKind>
void SumAllOutputs(const OneChannelSums& call) {
  std::int64_t output = 0;
  for (; output + (kMostVectors - 1) * kLanes < call.rows.outputs;
       output += kMostVectors * kLanes) {
    SumOutputs<kKind, kMostVectors>(call, output);
  }
  if (output < call.rows.outputs) SumOutputs<kKind, 1>(call, output);
}

void SumImage(const OneChannelSums& call) {
  switch (call.epilogue.activation) {
    case Activation::kRelu:
      return SumAllOutputs<Activation::kRelu>(call);
    case Activation::kRelu6:
      return SumAllOutputs<Activation::kRelu6>(call);
    default:
      return SumAllOutputs<Activation::kNone>(call);
  }
}

template <int kVectors>
void SumGradientColumns(const OneChannelGradients& call, std::int64_t column) {
  const D d;
  const std::size_t last = static_cast<std::size_t>(
      std::min<std::int64_t>(kLanes, call.columns - column - (kVectors - 1) * kLanes));
  const auto load = [d, last](const float* from, int v) HWY_ATTR {
    return v + 1 < kVectors ? hn::LoadU(d, from + v * kLanes)
                            : LoadFirst(d, from + v * kLanes, last);
  };
  float* const to = call.sums + column;
  V sums[kTaps][kVectors];
  HWY_UNROLL(9)
  for (int tap = 0; tap < kTaps; ++tap) {
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) {
      sums[tap][v] = call.accumulates ? load(to + tap * call.sums_stride, v) : hn::Zero(d);
    }
  }
  const std::int64_t row_stride = call.padded.row_stride;
  for (std::int64_t y = call.first; y < call.last; ++y) {
    const float* HWY_RESTRICT input = call.padded.data + (y - call.first) * row_stride;
    const float* HWY_RESTRICT grad = call.grad_output + y * call.rows.output_row_stride + column;
    for (std::int64_t x = 0; x < call.rows.output_width; ++x) {
      V grads[kVectors];
      HWY_UNROLL(2)
      for (int v = 0; v < kVectors; ++v) grads[v] = load(grad, v);
      HWY_UNROLL(9)
      for (int tap = 0; tap < kTaps; ++tap) {
        const V value = hn::Set(d, input[tap / 3 * row_stride + tap % 3]);
        HWY_UNROLL(2)
        for (int v = 0; v < kVectors; ++v) {
          sums[tap][v] = hn::MulAdd(value, grads[v], sums[tap][v]);
        }
      }
      ++input;
      grad += call.rows.output_pixel_stride;
    }
  }
  HWY_UNROLL(9)
  for (int tap = 0; tap < kTaps; ++tap) {
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) {
      float* at = to + tap * call.sums_stride + v * kLanes;
      if (v + 1 < kVectors) {
        hn::StoreU(sums[tap][v], d, at);
      } else {
        StoreFirst(sums[tap][v], d, at, last);
      }
    }
  }
}

void SumGradients(const OneChannelGradients& call) {
  std::int64_t column = 0;
  for (; column + (kMostVectors - 1) * kLanes < call.columns; column += kMostVectors * kLanes) {
    SumGradientColumns<kMostVectors>(call, column);
  }
  if (column < call.columns) SumGradientColumns<1>(call, column);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

bool IsOneChannel(const ShiftedRows& rows) {
  return rows.channels == 1 && rows.kernel_height == 3 && rows.kernel_width == 3 &&
         rows.stride_height == 1 && rows.stride_width == 1 && rows.dilation_height == 1 &&
         rows.dilation_width == 1;
}

void SumOneChannel(const OneChannelSums& call) { ESPALIER_KERNEL(SumImage)(call); }

void SumOneChannelGradients(const OneChannelGradients& call) {
  ESPALIER_KERNEL(SumGradients)(call);
}

}  // namespace espalier
#endif  // HWY_ONCE
