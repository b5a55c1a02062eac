// SPDX-License-Identifier: Apache-2.0
#include "kernels/copies/image_layout.h"

#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/copies/image_layout.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vectors/partial-inl.h"

#ifndef ESPALIER_KERNELS_IMAGE_LAYOUT_ONCE
#define ESPALIER_KERNELS_IMAGE_LAYOUT_ONCE
namespace espalier {
namespace {

// Rows and columns of what is read, strides in floats.
struct Transposition {
  std::size_t rows, columns;
  std::size_t from_stride, to_stride;
};

}  // namespace
}  // namespace espalier
#endif

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// What a vector of row `row` becomes on its way.
struct Same {
  HWY_INLINE V operator()(D, V x, std::size_t /*row*/) const { return x; }
  HWY_INLINE float operator()(float x, std::size_t /*row*/) const { return x; }
};

struct Normalized {
  const float* mean;
  const float* scale;

  HWY_INLINE V operator()(D d, V x, std::size_t row) const {
    return hn::Mul(hn::Sub(x, hn::Set(d, mean[row])), hn::Set(d, scale[row]));
  }
  HWY_INLINE float operator()(float x, std::size_t row) const {
    return (x - mean[row]) * scale[row];
  }
};

// to[column · to_stride + row] = transform(from[row · from_stride + column]), four rows and a
// vector of columns at a time: the four interleave to runs of four, which are stored apart.
template <class Transform>
HWY_INLINE void Transpose(const Transposition& t, Transform transform, const float* from,
                          float* to) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kMostFloats = 4 * hn::MaxLanes(D());
  HWY_ALIGN float runs[kMostFloats];
  const std::size_t whole_columns = t.columns / lanes * lanes;
  std::size_t row = 0;
  // Few channels of an image: one run is one position, and positions lie side by side.
  if (t.rows == 3 && t.to_stride == 3) {
    for (std::size_t column = 0; column < whole_columns; column += lanes) {
      hn::StoreInterleaved3(transform(d, hn::LoadU(d, from + column), 0),
                            transform(d, hn::LoadU(d, from + t.from_stride + column), 1),
                            transform(d, hn::LoadU(d, from + 2 * t.from_stride + column), 2), d,
                            to + column * 3);
    }
    row = whole_columns == 0 ? 0 : 3;
  }
  for (; row + 4 <= t.rows; row += 4) {
    const float* rows = from + row * t.from_stride;
    for (std::size_t column = 0; column < whole_columns; column += lanes) {
      hn::StoreInterleaved4(transform(d, hn::LoadU(d, rows + column), row),
                            transform(d, hn::LoadU(d, rows + t.from_stride + column), row + 1),
                            transform(d, hn::LoadU(d, rows + 2 * t.from_stride + column), row + 2),
                            transform(d, hn::LoadU(d, rows + 3 * t.from_stride + column), row + 3),
                            d, runs);
      float* place = to + column * t.to_stride + row;
      for (std::size_t i = 0; i < lanes; ++i) {
        std::memcpy(place + i * t.to_stride, runs + 4 * i, 4 * sizeof(float));
      }
    }
  }
  for (; row < t.rows; ++row) {
    for (std::size_t column = 0; column < whole_columns; ++column) {
      to[column * t.to_stride + row] = transform(from[row * t.from_stride + column], row);
    }
  }
  for (std::size_t column = whole_columns; column < t.columns; ++column) {
    for (std::size_t r = 0; r < t.rows; ++r) {
      to[column * t.to_stride + r] = transform(from[r * t.from_stride + column], r);
    }
  }
}

void TransposeKernel(const Transposition& t, const float* from, float* to) {
  Transpose(t, Same(), from, to);
}

void NormalizeKernel(const Transposition& t, const float* mean, const float* scale,
                     const float* from, float* to) {
  Transpose(t, Normalized{mean, scale}, from, to);
}

// One channel: `count` positions.
void NormalizeRowKernel(float mean, float scale, std::size_t count, const float* from, float* to) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const Normalized transform{&mean, &scale};
  for (std::size_t i = 0; i < count; i += lanes) {
    const std::size_t part = HWY_MIN(lanes, count - i);
    StoreFirst(transform(d, LoadFirst(d, from + i, part), 0), d, to + i, part);
  }
}

// One position: each element is a channel.
void NormalizeVectorKernel(const float* mean, const float* scale, std::size_t count,
                           const float* from, float* to) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < count; i += lanes) {
    const std::size_t part = HWY_MIN(lanes, count - i);
    const V centered = hn::Sub(LoadFirst(d, from + i, part), LoadFirst(d, mean + i, part));
    StoreFirst(hn::Mul(centered, LoadFirst(d, scale + i, part)), d, to + i, part);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

std::size_t Size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

void ToChannelsLast(const ImageLayout& layout, std::int64_t first, std::int64_t last,
                    const float* channels_first, float* channels_last) {
  if (layout.IsTrivial()) {
    std::memcpy(channels_last + first * layout.channels, channels_first + first * layout.channels,
                Size((last - first) * layout.channels) * sizeof(float));
    return;
  }
  ESPALIER_KERNEL(TransposeKernel)
  ({.rows = Size(layout.channels),
    .columns = Size(last - first),
    .from_stride = Size(layout.positions),
    .to_stride = Size(layout.channels)},
   channels_first + first, channels_last + first * layout.channels);
}

void NormalizeToChannelsLast(const ImageLayout& layout, std::int64_t first, std::int64_t last,
                             const float* mean, const float* scale, const float* channels_first,
                             float* channels_last) {
  if (layout.channels == 1) {
    ESPALIER_KERNEL(NormalizeRowKernel)
    (mean[0], scale[0], Size(last - first), channels_first + first, channels_last + first);
    return;
  }
  if (layout.positions == 1) {
    if (first < last) {
      ESPALIER_KERNEL(NormalizeVectorKernel)
      (mean, scale, Size(layout.channels), channels_first, channels_last);
    }
    return;
  }
  ESPALIER_KERNEL(NormalizeKernel)
  ({.rows = Size(layout.channels),
    .columns = Size(last - first),
    .from_stride = Size(layout.positions),
    .to_stride = Size(layout.channels)},
   mean, scale, channels_first + first, channels_last + first * layout.channels);
}

void ToChannelsFirst(const ImageLayout& layout, std::int64_t first, std::int64_t last,
                     const float* channels_last, float* channels_first) {
  if (layout.IsTrivial()) {
    std::memcpy(channels_first + first * layout.channels, channels_last + first * layout.channels,
                Size((last - first) * layout.channels) * sizeof(float));
    return;
  }
  ESPALIER_KERNEL(TransposeKernel)
  ({.rows = Size(last - first),
    .columns = Size(layout.channels),
    .from_stride = Size(layout.channels),
    .to_stride = Size(layout.positions)},
   channels_last + first * layout.channels, channels_first + first);
}

}  // namespace espalier
#endif
