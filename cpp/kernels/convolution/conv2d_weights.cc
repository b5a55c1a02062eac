// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/conv2d_weights.h"

#include <algorithm>

#include "kernels/matmul/matmul_block.h"
#include "kernels/rounding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convolution/conv2d_weights.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/copies/transpose-inl.h"
#include "kernels/vectors/partial-inl.h"

#ifndef ESPALIER_KERNELS_CONVOLUTION_CONV2D_WEIGHTS_CC_
#define ESPALIER_KERNELS_CONVOLUTION_CONV2D_WEIGHTS_CC_
namespace espalier {
namespace {

// Gradients that are turned at a time: of so many outputs, a cache line of sums, in runs of so many
// as they lie in the end. 6 KiB in between.
constexpr std::int64_t kOutputs = 16;
constexpr std::int64_t kRun = 96;

// Sums of `count` outputs, at most kOutputs, of a kernel's elements (c, t) from `begin` on.
struct GradientRun {
  const float* sums;  // of the first of these outputs
  std::int64_t outputs;
  std::int64_t channels;
  std::int64_t kernel_area;
  std::int64_t parts;
  std::int64_t part_stride;
  std::int64_t begin;
  std::int64_t size;  // at most kRun
  std::int64_t count;
};

}  // namespace
}  // namespace espalier
#endif  // ESPALIER_KERNELS_CONVOLUTION_CONV2D_WEIGHTS_CC_

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

// to[t * to_stride + n] = from[n * from_stride + t] for n < count and t < area, at least 4.
void TransposeElements(const float* from, std::int64_t from_stride, std::int64_t count,
                       std::int64_t area, float* to, std::int64_t to_stride) {
  std::int64_t n = 0;
  for (; n + 4 <= count; n += 4) {
    for (std::int64_t t = 0; t < area; t += 4) {
      const std::int64_t four = std::min(t, area - 4);  // the last ones may come once more
      Transpose4x4(from + n * from_stride + four, from_stride, to + four * to_stride + n,
                   to_stride);
    }
  }
  for (; n < count; ++n) {
    for (std::int64_t t = 0; t < area; ++t) to[t * to_stride + n] = from[n * from_stride + t];
  }
}

// to[o * to_stride + i] of each output o and element i of the run, its parts added up in order.
void GatherRun(const GradientRun& run, float* to, std::int64_t to_stride) {
  const hn::ScalableTag<float> d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  HWY_ALIGN float totals[kRun][kOutputs];
  std::int64_t c = run.begin / run.kernel_area;
  std::int64_t t = run.begin % run.kernel_area;
  for (std::int64_t i = 0; i < run.size; ++i) {
    const float* const from = run.sums + (t * run.channels + c) * run.outputs;
    for (std::int64_t o = 0; o < run.count; o += lanes) {
      const std::size_t count = static_cast<std::size_t>(std::min(lanes, run.count - o));
      auto total = LoadFirst(d, from + o, count);
      for (std::int64_t part = 1; part < run.parts; ++part) {
        total = hn::Add(total, LoadFirst(d, from + part * run.part_stride + o, count));
      }
      StoreFirst(total, d, totals[i] + o, count);
    }
    if (++t == run.kernel_area) {
      t = 0;
      ++c;
    }
  }
  if (run.count >= 4) {
    TransposeElements(totals[0], kOutputs, run.size, run.count, to, to_stride);
    return;
  }
  for (std::int64_t o = 0; o < run.count; ++o) {
    for (std::int64_t i = 0; i < run.size; ++i) to[o * to_stride + i] = totals[i][o];
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

// Places of kernel elements that are looked up at a time.
constexpr std::int64_t kElements = 16;

// Where an element lies in a kernel, or -1: between those that there are.
std::int64_t PlaceOf(const KernelElements& elements, std::int64_t element) {
  const std::int64_t y = elements.first_row + element / elements.columns * elements.row_step;
  const std::int64_t x = elements.first_column + element % elements.columns * elements.column_step;
  if (y % elements.row_dilation != 0 || x % elements.column_dilation != 0) return -1;
  return y / elements.row_dilation * elements.kernel_width + x / elements.column_dilation;
}

// True if elements are the kernel's, in order.
bool AreWhole(const KernelElements& elements) {
  return elements.first_row == 0 && elements.row_step == 1 && elements.row_dilation == 1 &&
         elements.first_column == 0 && elements.column_step == 1 && elements.column_dilation == 1 &&
         elements.columns == elements.kernel_width;
}

}  // namespace

// Weights are read once, run by run; what they are written to are a few rows at a time.
void PackKernelPanel(const KernelElements& elements, const WeightMatrix& weights, std::int64_t n0,
                     float* packed) {
  const TileShape tile = ActiveTileShape();
  const std::int64_t all = elements.rows * elements.columns;
  const std::int64_t count = std::min(tile.columns, weights.n - n0);
  const std::int64_t width = RoundUp(count, tile.lanes);
  const std::int64_t places_stride = weights.k * width;
  if (AreWhole(elements) && all >= 4) {
    const auto transpose = ESPALIER_KERNEL(TransposeElements);
    for (std::int64_t k = 0; k < weights.k; ++k) {
      float* const row = packed + k * width;
      transpose(weights.data + k * weights.k_stride + n0 * weights.n_stride, weights.n_stride,
                count, all, row, places_stride);
      for (std::int64_t t = 0; count < width && t < all; ++t) {
        std::fill(row + t * places_stride + count, row + t * places_stride + width, 0.0f);
      }
    }
    return;
  }
  for (std::int64_t first = 0; first < all; first += kElements) {
    const std::int64_t places = std::min(kElements, all - first);
    std::int64_t place[kElements];
    for (std::int64_t t = 0; t < places; ++t) place[t] = PlaceOf(elements, first + t);
    for (std::int64_t k = 0; k < weights.k; ++k) {
      const float* from = weights.data + k * weights.k_stride + n0 * weights.n_stride;
      float* const row = packed + k * width;
      for (std::int64_t n = 0; n < count; ++n, from += weights.n_stride) {
        for (std::int64_t t = 0; t < places; ++t) {
          row[t * places_stride + n] = place[t] < 0 ? 0.0f : from[place[t]];
        }
      }
      for (std::int64_t t = 0; t < places; ++t) {
        std::fill(row + t * places_stride + count, row + t * places_stride + width, 0.0f);
      }
    }
    packed += places * places_stride;
  }
}

void PackKernelElements(const KernelElements& elements, const WeightMatrix& weights, float* packed,
                        Workspace& workspace) {
  const std::int64_t panel = ActiveTileShape().columns;
  const std::int64_t depth = elements.rows * elements.columns * weights.k;
  workspace.ParallelFor(Ceiling(weights.n, panel), [&](std::int64_t task, std::span<float>) {
    PackKernelPanel(elements, weights, task * panel, packed + task * panel * depth);
  });
}

void GatherWeightGradients(std::int64_t kernel_area, std::int64_t channels, std::int64_t outputs,
                           const float* sums, std::int64_t parts, std::int64_t part_stride,
                           float* grad_weights, Workspace& workspace) {
  const std::int64_t size = channels * kernel_area;  // gradients of an output
  const auto gather = ESPALIER_KERNEL(GatherRun);
  workspace.ParallelFor(Ceiling(outputs, kOutputs), [&](std::int64_t task, std::span<float>) {
    const std::int64_t first = task * kOutputs;
    for (std::int64_t begin = 0; begin < size; begin += kRun) {
      gather({.sums = sums + first,
              .outputs = outputs,
              .channels = channels,
              .kernel_area = kernel_area,
              .parts = parts,
              .part_stride = part_stride,
              .begin = begin,
              .size = std::min(kRun, size - begin),
              .count = std::min(kOutputs, outputs - first)},
             grad_weights + first * size + begin, size);
    }
  });
}

}  // namespace espalier
#endif  // HWY_ONCE
