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

// Gradients that are turned at a time: of so many outputs, a cache line of sums, in runs of so many
// as they lie in the end. 6 KiB in between.
constexpr std::int64_t kOutputs = 16;
constexpr std::int64_t kRun = 96;

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
  workspace.ParallelFor(Ceiling(outputs, kOutputs), [&](std::int64_t task, std::span<float>) {
    const std::int64_t first = task * kOutputs;
    const std::int64_t count = std::min(kOutputs, outputs - first);
    float turned[kOutputs][kRun];
    for (std::int64_t begin = 0; begin < size; begin += kRun) {
      const std::int64_t run = std::min(kRun, size - begin);
      for (std::int64_t i = 0; i < run; ++i) {
        const std::int64_t c = (begin + i) / kernel_area;
        const std::int64_t t = (begin + i) % kernel_area;
        const float* const from = sums + (t * channels + c) * outputs + first;
        for (std::int64_t o = 0; o < count; ++o) {
          float sum = from[o];
          for (std::int64_t part = 1; part < parts; ++part) sum += from[part * part_stride + o];
          turned[o][i] = sum;
        }
      }
      for (std::int64_t o = 0; o < count; ++o) {
        std::copy_n(turned[o], run, grad_weights + (first + o) * size + begin);
      }
    }
  });
}

}  // namespace espalier
#endif  // HWY_ONCE
