// SPDX-License-Identifier: Apache-2.0
#include "kernels/pooling.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pooling.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/partial-inl.h"

#ifndef ESPALIER_KERNELS_POOLING_ONCE_
#define ESPALIER_KERNELS_POOLING_ONCE_
namespace espalier {
namespace {

// The part of a window that lies on the image.
struct Span {
  std::int64_t begin, end;
};

inline Span Clip(std::int64_t index, std::int64_t stride, std::int64_t pad, std::int64_t window,
                 std::int64_t size) {
  const std::int64_t begin = index * stride - pad;
  return {std::max<std::int64_t>(0, begin), std::min(size, begin + window)};
}

inline float Divisor(const PoolingGeometry& g, const Span& rows, const Span& columns) {
  return static_cast<float>(g.counts_padding
                                ? g.window_height * g.window_width
                                : (rows.end - rows.begin) * (columns.end - columns.begin));
}

}  // namespace
}  // namespace espalier
#endif

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DU = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;
using VU = hn::Vec<DU>;

// Folds of a window's elements, in the order of rows and columns, for one output or for a
// vector of them with the same operations.
struct Maximum {
  float value;
  std::uint32_t index;

  Maximum(std::uint32_t first) : value(-std::numeric_limits<float>::infinity()), index(first) {}
  void Add(float x, std::uint32_t at) {
    if (x > value || x != x) {
      value = x;
      index = at;
    }
  }
};

struct MaximumVector {
  V value;
  VU index;

  HWY_INLINE MaximumVector(D d, VU first)
      : value(hn::Set(d, -std::numeric_limits<float>::infinity())), index(first) {}
  HWY_INLINE void Add(V x, VU at) {
    const DU du;
    const auto wins = hn::Or(hn::Gt(x, value), hn::IsNaN(x));
    value = hn::IfThenElse(wins, x, value);
    index = hn::IfThenElse(hn::RebindMask(du, wins), at, index);
  }
};

struct Sum {
  float value = 0.0f;
  std::uint32_t index = 0;

  Sum(std::uint32_t) {}
  void Add(float x, std::uint32_t) { value += x; }
};

struct SumVector {
  V value;
  VU index;

  HWY_INLINE SumVector(D d, VU first) : value(hn::Zero(d)), index(first) {}
  HWY_INLINE void Add(V x, VU) { value = hn::Add(value, x); }
};

// One output, anywhere.
template <class Fold>
HWY_INLINE Fold FoldWindow(const PoolingGeometry& g, const float* plane, const Span& rows,
                           const Span& columns) {
  Fold fold(static_cast<std::uint32_t>(rows.begin * g.width + columns.begin));
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    for (std::int64_t c = columns.begin; c < columns.end; ++c) {
      const std::int64_t at = r * g.width + c;
      fold.Add(plane[at], static_cast<std::uint32_t>(at));
    }
  }
  return fold;
}

// `count` outputs from column `first` on, whose windows lie on the image from left to right;
// the stride is 1 or 2. Reads nothing past the end of a row.
template <class Fold>
HWY_INLINE Fold FoldWindows(const PoolingGeometry& g, const float* plane, const Span& rows,
                            std::int64_t first, std::size_t count) {
  const D d;
  const DU du;
  const std::size_t lanes = hn::Lanes(d);
  const std::int64_t stride = g.stride_width;
  const std::int64_t begin = first * stride - g.pad_left;
  const auto place = [&](std::int64_t row, std::int64_t tap) HWY_ATTR {
    const VU start = hn::Set(du, static_cast<std::uint32_t>(row * g.width + begin + tap));
    const VU steps = hn::Iota(du, 0);
    return hn::Add(start, stride == 1 ? steps : hn::Add(steps, steps));
  };
  Fold fold(d, place(rows.begin, 0));
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const float* row = plane + r * g.width + begin;
    if (stride == 1) {
      for (std::int64_t tap = 0; tap < g.window_width; ++tap) {
        fold.Add(LoadFirst(d, row + tap, count), place(r, tap));
      }
      continue;
    }
    const std::int64_t left = g.width - begin;
    for (std::int64_t tap = 0; tap < g.window_width; tap += 2) {
      const std::size_t readable = static_cast<std::size_t>(left - tap);
      const V low = LoadFirst(d, row + tap, HWY_MIN(readable, lanes));
      const V high = readable > lanes
                         ? LoadFirst(d, row + tap + lanes, HWY_MIN(readable - lanes, lanes))
                         : hn::Zero(d);
      fold.Add(hn::ConcatEven(d, high, low), place(r, tap));
      if (tap + 1 < g.window_width) fold.Add(hn::ConcatOdd(d, high, low), place(r, tap + 1));
    }
  }
  return fold;
}

// Calls store_one(column, fold, columns) or store_vector(column, count, fold) for each
// output of a row.
template <class Fold, class FoldVector, class StoreOne, class StoreVector>
HWY_INLINE void PoolRow(const PoolingGeometry& g, const float* plane, const Span& rows,
                        StoreOne store_one, StoreVector store_vector) {
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  // Outputs [inner_begin, inner_end) have their whole window between left and right edge.
  const std::int64_t room = g.width + g.pad_left - g.window_width;
  const std::int64_t inner_end = room < 0 ? 0 : std::min(g.output_width, room / g.stride_width + 1);
  const std::int64_t inner_begin =
      std::min(inner_end, (g.pad_left + g.stride_width - 1) / g.stride_width);
  for (std::int64_t column = 0; column < g.output_width;) {
    if (g.stride_width <= 2 && column >= inner_begin && column < inner_end) {
      const std::int64_t count = std::min(lanes, inner_end - column);
      store_vector(
          column, static_cast<std::size_t>(count),
          FoldWindows<FoldVector>(g, plane, rows, column, static_cast<std::size_t>(count)));
      column += count;
    } else {
      const Span columns = Clip(column, g.stride_width, g.pad_left, g.window_width, g.width);
      store_one(column, FoldWindow<Fold>(g, plane, rows, columns), columns);
      ++column;
    }
  }
}

void MaxPoolKernel(const PoolingGeometry& g, std::int64_t planes, const float* x, float* y,
                   std::uint32_t* indices) {
  const D d;
  const DU du;
  for (std::int64_t p = 0; p < planes; ++p) {
    const float* plane = x + p * g.height * g.width;
    for (std::int64_t row = 0; row < g.output_height; ++row) {
      const std::int64_t begin = (p * g.output_height + row) * g.output_width;
      const Span rows = Clip(row, g.stride_height, g.pad_top, g.window_height, g.height);
      PoolRow<Maximum, MaximumVector>(
          g, plane, rows,
          [&](std::int64_t column, const Maximum& fold, const Span&) HWY_ATTR {
            y[begin + column] = fold.value;
            if (indices != nullptr) indices[begin + column] = fold.index;
          },
          [&](std::int64_t column, std::size_t count, const MaximumVector& fold) HWY_ATTR {
            StoreFirst(fold.value, d, y + begin + column, count);
            if (indices != nullptr) StoreFirst(fold.index, du, indices + begin + column, count);
          });
    }
  }
}

void AveragePoolKernel(const PoolingGeometry& g, std::int64_t planes, const float* x, float* y) {
  const D d;
  for (std::int64_t p = 0; p < planes; ++p) {
    const float* plane = x + p * g.height * g.width;
    for (std::int64_t row = 0; row < g.output_height; ++row) {
      float* y_row = y + (p * g.output_height + row) * g.output_width;
      const Span rows = Clip(row, g.stride_height, g.pad_top, g.window_height, g.height);
      const V inner_divisor = hn::Set(d, Divisor(g, rows, {0, g.window_width}));
      PoolRow<Sum, SumVector>(
          g, plane, rows,
          [&](std::int64_t column, const Sum& fold, const Span& columns)
              HWY_ATTR { y_row[column] = fold.value / Divisor(g, rows, columns); },
          [&](std::int64_t column, std::size_t count, const SumVector& fold) HWY_ATTR {
            StoreFirst(hn::Div(fold.value, inner_divisor), d, y_row + column, count);
          });
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void MaxPool(const PoolingGeometry& geometry, std::int64_t planes, const float* x, float* y,
             std::uint32_t* indices) {
  ESPALIER_KERNEL(MaxPoolKernel)(geometry, planes, x, y, indices);
}

void MaxPoolBackward(const PoolingGeometry& geometry, std::int64_t planes, const float* grad_y,
                     const std::uint32_t* indices, float* grad_x) {
  const std::int64_t inputs = geometry.height * geometry.width;
  const std::int64_t outputs = geometry.output_height * geometry.output_width;
  std::memset(grad_x, 0, static_cast<std::size_t>(planes * inputs) * sizeof(float));
  for (std::int64_t p = 0; p < planes; ++p) {
    float* plane = grad_x + p * inputs;
    for (std::int64_t i = p * outputs; i < (p + 1) * outputs; ++i) plane[indices[i]] += grad_y[i];
  }
}

void AveragePool(const PoolingGeometry& geometry, std::int64_t planes, const float* x, float* y) {
  ESPALIER_KERNEL(AveragePoolKernel)(geometry, planes, x, y);
}

void AveragePoolBackward(const PoolingGeometry& geometry, std::int64_t planes, const float* grad_y,
                         float* grad_x) {
  const PoolingGeometry& g = geometry;
  std::memset(grad_x, 0, static_cast<std::size_t>(planes * g.height * g.width) * sizeof(float));
  for (std::int64_t p = 0; p < planes; ++p) {
    float* plane = grad_x + p * g.height * g.width;
    const float* grad = grad_y + p * g.output_height * g.output_width;
    for (std::int64_t row = 0; row < g.output_height; ++row) {
      const Span rows = Clip(row, g.stride_height, g.pad_top, g.window_height, g.height);
      for (std::int64_t column = 0; column < g.output_width; ++column) {
        const Span columns = Clip(column, g.stride_width, g.pad_left, g.window_width, g.width);
        const float share = *grad++ / Divisor(g, rows, columns);
        for (std::int64_t r = rows.begin; r < rows.end; ++r) {
          for (std::int64_t c = columns.begin; c < columns.end; ++c) {
            plane[r * g.width + c] += share;
          }
        }
      }
    }
  }
}

}  // namespace espalier
#endif
