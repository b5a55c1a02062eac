// SPDX-License-Identifier: Apache-2.0
#include "kernels/pooling/pooling.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pooling/pooling.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"

#ifndef ESPALIER_KERNELS_POOLING_ONCE_
#define ESPALIER_KERNELS_POOLING_ONCE_
namespace espalier {
namespace {

struct Span {
  std::int64_t begin, end;
};

// One axis of the windows.
struct Axis {
  std::int64_t size, output_size, window, stride, pad;

  std::int64_t Begin(std::int64_t output) const { return output * stride - pad; }

  // The part of a window that lies on the image.
  Span Clip(std::int64_t output) const {
    const std::int64_t begin = Begin(output);
    return {std::max<std::int64_t>(0, begin), std::min(size, begin + window)};
  }

  // The windows that an element of the image lies in.
  Span Windows(std::int64_t input) const {
    const std::int64_t before = input + pad - window;
    return {before < 0 ? 0 : before / stride + 1,
            std::min(output_size, (input + pad) / stride + 1)};
  }
};

struct Axes {
  explicit Axes(const PoolingGeometry& g)
      : rows{g.height, g.output_height, g.window_height, g.stride_height, g.pad_top},
        columns{g.width, g.output_width, g.window_width, g.stride_width, g.pad_left} {}
  Axis rows, columns;
};

inline std::int64_t Size(const Span& span) { return span.end - span.begin; }

inline float Divisor(const PoolingGeometry& g, const Span& rows, const Span& columns) {
  return static_cast<float>(g.counts_padding ? g.window_height * g.window_width
                                             : Size(rows) * Size(columns));
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
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;
using VU = hn::Vec<DU>;

// Places of maxima as they are kept: a byte each, or 32 bits.
struct Bytes {
  using T = std::uint8_t;
  using DT = hn::Rebind<std::uint8_t, D>;
  static HWY_INLINE void Store(VU places, T* to, std::size_t count) {
    StoreFirst(hn::DemoteTo(DT(), hn::BitCast(DI(), places)), DT(), to, count);
  }
  static HWY_INLINE VU Load(const T* from, std::size_t count) {
    return hn::PromoteTo(DU(), LoadFirst(DT(), from, count));
  }
};

struct Words {
  using T = std::uint32_t;
  static HWY_INLINE void Store(VU places, T* to, std::size_t count) {
    StoreFirst(places, DU(), to, count);
  }
  static HWY_INLINE VU Load(const T* from, std::size_t count) {
    return LoadFirst(DU(), from, count);
  }
};

// Folds of a window's elements, in the order of rows and columns, a vector of channels each.
template <bool kWithPlace>
struct Maximum {
  V value;
  VU place;

  HWY_INLINE explicit Maximum(std::int64_t first)
      : value(hn::Set(D(), -std::numeric_limits<float>::infinity())),
        place(hn::Set(DU(), static_cast<std::uint32_t>(first))) {}
  HWY_INLINE void Add(V x, std::int64_t at) {
    const auto wins = hn::Or(hn::Gt(x, value), hn::IsNaN(x));
    value = hn::IfThenElse(wins, x, value);
    if constexpr (kWithPlace) {
      place = hn::IfThenElse(hn::RebindMask(DU(), wins),
                             hn::Set(DU(), static_cast<std::uint32_t>(at)), place);
    }
  }
};

struct Sum {
  V value;

  HWY_INLINE explicit Sum(std::int64_t /*first*/) : value(hn::Zero(D())) {}
  HWY_INLINE void Add(V x, std::int64_t /*at*/) { value = hn::Add(value, x); }
};

// The window [rows] × [columns] whose first element lies at `x`; `first` is its place and
// `window_width` what one row moves a place. kRows, kColumns: the sizes, or 0.
template <class Fold, int kRows, int kColumns>
HWY_INLINE Fold FoldWindow(const float* x, std::size_t count, std::int64_t rows,
                           std::int64_t columns, std::int64_t row_stride, std::int64_t channels,
                           std::int64_t first, std::int64_t window_width) {
  if constexpr (kRows != 0) rows = kRows;
  if constexpr (kColumns != 0) columns = kColumns;
  Fold fold(first);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      fold.Add(LoadFirst(D(), x + r * row_stride + c * channels, count),
               first + r * window_width + c);
    }
  }
  return fold;
}

// Calls store(place of the outputs, count, fold, rows, columns) for each vector of outputs of
// the rows [first, last) of outputs.
template <class Fold, class Store>
HWY_INLINE void ForWindows(const PoolingGeometry& g, std::int64_t first, std::int64_t last,
                           const float* x, Store store) {
  const Axes axes(g);
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t row_stride = g.width * g.channels;
  for (std::int64_t row = first; row < last; ++row) {
    const float* image = x + row / g.output_height * g.height * row_stride;
    const Span rows = axes.rows.Clip(row % g.output_height);
    const std::int64_t hidden_rows = rows.begin - axes.rows.Begin(row % g.output_height);
    for (std::int64_t column = 0; column < g.output_width; ++column) {
      const Span columns = axes.columns.Clip(column);
      const std::int64_t place =
          hidden_rows * g.window_width + columns.begin - axes.columns.Begin(column);
      const float* from = image + rows.begin * row_stride + columns.begin * g.channels;
      const std::int64_t to = (row * g.output_width + column) * g.channels;
      const auto fold = [&](std::int64_t c, std::size_t count) HWY_ATTR {
        if (Size(rows) == 2 && Size(columns) == 2) {
          return FoldWindow<Fold, 2, 2>(from + c, count, 2, 2, row_stride, g.channels, place,
                                        g.window_width);
        }
        if (Size(rows) == 3 && Size(columns) == 3) {
          return FoldWindow<Fold, 3, 3>(from + c, count, 3, 3, row_stride, g.channels, place,
                                        g.window_width);
        }
        return FoldWindow<Fold, 0, 0>(from + c, count, Size(rows), Size(columns), row_stride,
                                      g.channels, place, g.window_width);
      };
      std::int64_t c = 0;
      const std::size_t full = hn::Lanes(D());
      for (; c + lanes <= g.channels; c += lanes) store(to + c, full, fold(c, full), rows, columns);
      if (c < g.channels) {
        const std::size_t rest = static_cast<std::size_t>(g.channels - c);
        store(to + c, rest, fold(c, rest), rows, columns);
      }
    }
  }
}

template <class Places>
void MaxPoolWithPlaces(const PoolingGeometry& g, std::int64_t first, std::int64_t last,
                       const float* x, float* y, typename Places::T* places) {
  ForWindows<Maximum<true>>(g, first, last, x,
                            [&](std::int64_t at, std::size_t count, const Maximum<true>& fold,
                                const Span&, const Span&) HWY_ATTR {
                              StoreFirst(fold.value, D(), y + at, count);
                              Places::Store(fold.place, places + at, count);
                            });
}

void MaxPoolKernel(const PoolingGeometry& g, std::int64_t first, std::int64_t last, const float* x,
                   float* y, void* places) {
  if (places == nullptr) {
    ForWindows<Maximum<false>>(g, first, last, x,
                               [&](std::int64_t at, std::size_t count, const Maximum<false>& fold,
                                   const Span&, const Span&)
                                   HWY_ATTR { StoreFirst(fold.value, D(), y + at, count); });
  } else if (MaxPoolPlaceBytes(g) == 1) {
    MaxPoolWithPlaces<Bytes>(g, first, last, x, y, static_cast<std::uint8_t*>(places));
  } else {
    MaxPoolWithPlaces<Words>(g, first, last, x, y, static_cast<std::uint32_t*>(places));
  }
}

void AveragePoolKernel(const PoolingGeometry& g, std::int64_t first, std::int64_t last,
                       const float* x, float* y) {
  ForWindows<Sum>(g, first, last, x,
                  [&](std::int64_t at, std::size_t count, const Sum& fold, const Span& rows,
                      const Span& columns) HWY_ATTR {
                    const V divisor = hn::Set(D(), Divisor(g, rows, columns));
                    StoreFirst(hn::Div(fold.value, divisor), D(), y + at, count);
                  });
}

// grad_x of the rows [first, last) of inputs: the sum over the windows that an element lies in
// of share(place of the outputs, count, place in the window, window's row and column).
template <class Share>
HWY_INLINE void Gather(const PoolingGeometry& g, std::int64_t first, std::int64_t last,
                       float* grad_x, Share share) {
  const Axes axes(g);
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  for (std::int64_t row = first; row < last; ++row) {
    const std::int64_t y = row % g.height;
    const std::int64_t first_output = row / g.height * g.output_height;
    const Span rows = axes.rows.Windows(y);
    for (std::int64_t x = 0; x < g.width; ++x) {
      const Span columns = axes.columns.Windows(x);
      float* to = grad_x + (row * g.width + x) * g.channels;
      const auto sum_up = [&](std::int64_t c, std::size_t count) HWY_ATTR {
        V sum = hn::Zero(D());
        for (std::int64_t r = rows.begin; r < rows.end; ++r) {
          for (std::int64_t s = columns.begin; s < columns.end; ++s) {
            const std::int64_t at = ((first_output + r) * g.output_width + s) * g.channels + c;
            const std::int64_t place =
                (y - axes.rows.Begin(r)) * g.window_width + x - axes.columns.Begin(s);
            sum = hn::Add(sum, share(at, count, place, r, s));
          }
        }
        StoreFirst(sum, D(), to + c, count);
      };
      std::int64_t c = 0;
      for (; c + lanes <= g.channels; c += lanes) sum_up(c, hn::Lanes(D()));
      if (c < g.channels) sum_up(c, static_cast<std::size_t>(g.channels - c));
    }
  }
}

template <class Places>
void GatherMaxima(const PoolingGeometry& g, std::int64_t first, std::int64_t last,
                  const float* grad_y, const typename Places::T* places, float* grad_x) {
  Gather(g, first, last, grad_x,
         [&](std::int64_t at, std::size_t count, std::int64_t place, std::int64_t /*row*/,
             std::int64_t /*column*/) HWY_ATTR {
           const VU wanted = hn::Set(DU(), static_cast<std::uint32_t>(place));
           const auto is_here = hn::Eq(Places::Load(places + at, count), wanted);
           return hn::IfThenElseZero(hn::RebindMask(D(), is_here),
                                     LoadFirst(D(), grad_y + at, count));
         });
}

void MaxPoolBackwardKernel(const PoolingGeometry& g, std::int64_t first, std::int64_t last,
                           const float* grad_y, const void* places, float* grad_x) {
  if (MaxPoolPlaceBytes(g) == 1) {
    GatherMaxima<Bytes>(g, first, last, grad_y, static_cast<const std::uint8_t*>(places), grad_x);
  } else {
    GatherMaxima<Words>(g, first, last, grad_y, static_cast<const std::uint32_t*>(places), grad_x);
  }
}

void AveragePoolBackwardKernel(const PoolingGeometry& g, std::int64_t first, std::int64_t last,
                               const float* grad_y, float* grad_x) {
  const Axes axes(g);
  Gather(g, first, last, grad_x,
         [&](std::int64_t at, std::size_t count, std::int64_t /*place*/, std::int64_t row,
             std::int64_t column) HWY_ATTR {
           const float divisor = Divisor(g, axes.rows.Clip(row), axes.columns.Clip(column));
           return hn::Mul(LoadFirst(D(), grad_y + at, count), hn::Set(D(), 1.0f / divisor));
         });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

std::int64_t MaxPoolPlaceBytes(const PoolingGeometry& geometry) {
  return geometry.window_height * geometry.window_width <= 256 ? 1 : 4;
}

void MaxPool(const PoolingGeometry& geometry, std::int64_t first, std::int64_t last, const float* x,
             float* y, void* places) {
  ESPALIER_KERNEL(MaxPoolKernel)(geometry, first, last, x, y, places);
}

void MaxPoolBackward(const PoolingGeometry& geometry, std::int64_t first, std::int64_t last,
                     const float* grad_y, const void* places, float* grad_x) {
  ESPALIER_KERNEL(MaxPoolBackwardKernel)(geometry, first, last, grad_y, places, grad_x);
}

void AveragePool(const PoolingGeometry& geometry, std::int64_t first, std::int64_t last,
                 const float* x, float* y) {
  ESPALIER_KERNEL(AveragePoolKernel)(geometry, first, last, x, y);
}

void AveragePoolBackward(const PoolingGeometry& geometry, std::int64_t first, std::int64_t last,
                         const float* grad_y, float* grad_x) {
  ESPALIER_KERNEL(AveragePoolBackwardKernel)(geometry, first, last, grad_y, grad_x);
}

}  // namespace espalier
#endif
