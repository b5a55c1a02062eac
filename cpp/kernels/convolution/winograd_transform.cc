// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/winograd_transform.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/matmul/matmul_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convolution/winograd_transform.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/activation-inl.h"
#include "kernels/pooling/larger-inl.h"
#include "kernels/vectors/partial-inl.h"
#include "kernels/copies/transpose-inl.h"
#include "kernels/convolution/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

// Where a tile lies, and which of its `kSide` rows and columns are on the image.
template <int kSide>
struct Placement {
  Placement(const TileGrid& grid, std::int64_t tile) {
    const std::int64_t image = tile / grid.tiles();
    const std::int64_t y = tile % grid.tiles() / grid.tiles_x * grid.tile - grid.pad_top;
    const std::int64_t x = tile % grid.tiles_x * grid.tile - grid.pad_left;
    offset = ((image * grid.height + y) * grid.width + x) * grid.pixel_stride;
    row_begin = static_cast<int>(std::clamp<std::int64_t>(-y, 0, kSide));
    row_end = static_cast<int>(std::clamp<std::int64_t>(grid.height - y, 0, kSide));
    column_begin = static_cast<int>(std::clamp<std::int64_t>(-x, 0, kSide));
    column_end = static_cast<int>(std::clamp<std::int64_t>(grid.width - x, 0, kSide));
  }
  bool IsInside() const {
    return row_begin == 0 && row_end == kSide && column_begin == 0 && column_end == kSide;
  }
  bool Has(int row, int column) const {
    return row >= row_begin && row < row_end && column >= column_begin && column < column_end;
  }

  std::int64_t offset;  // of the tile's first position from the first image's
  int row_begin, row_end, column_begin, column_end;
};

// One vector of channels of one tile: kSide² positions to kPoints² points. `form` is the
// transform in one dimension; `load` gives a position.
template <int kSide, int kPoints, class Form, class Load, class Store>
HWY_INLINE void TransformBothWays(Form form, Load load, Store store) {
  V between[kPoints][kSide];
  HWY_UNROLL(6)
  for (int x = 0; x < kSide; ++x) {
    V column[kSide];
    V transformed[kPoints];
    HWY_UNROLL(6)
    for (int y = 0; y < kSide; ++y) column[y] = load(y, x);
    form(column, transformed);
    HWY_UNROLL(6)
    for (int p = 0; p < kPoints; ++p) between[p][x] = transformed[p];
  }
  HWY_UNROLL(6)
  for (int p = 0; p < kPoints; ++p) {
    V transformed[kPoints];
    form(between[p], transformed);
    HWY_UNROLL(6)
    for (int q = 0; q < kPoints; ++q) store(p, q, transformed[q]);
  }
}

// kIsInside: all positions exist. kIsWhole: all lanes do.
template <int kSide, int kPoints, bool kIsInside, bool kIsWhole, class Form>
HWY_INLINE void TransformTile(const TileGrid& grid, const Placement<kSide>& place, Form form,
                              const float* HWY_RESTRICT from, std::size_t count,
                              std::int64_t point_stride, float* HWY_RESTRICT to) {
  const D d;
  const std::int64_t row_stride = grid.width * grid.pixel_stride;
  TransformBothWays<kSide, kPoints>(
      form,
      [&](int y, int x) HWY_ATTR {
        if (!kIsInside && !place.Has(y, x)) return hn::Zero(d);
        const float* at = from + y * row_stride + x * grid.pixel_stride;
        // The next tile's, where images come from memory: their rows are too short for the
        // CPU's own prefetching.
        if (kIsInside && x >= kSide - grid.tile) hwy::Prefetch(at + grid.tile * grid.pixel_stride);
        return kIsWhole ? hn::LoadU(d, at) : hn::LoadN(d, at, count);
      },
      [&](int p, int q, V v) HWY_ATTR {
        float* at = to + (p * kPoints + q) * point_stride;
        if constexpr (kIsWhole) {
          hn::StoreU(v, d, at);
        } else {
          hn::StoreN(v, d, at, count);
        }
      });
}

template <int kSide, int kPoints, class Form>
HWY_INLINE void TransformTiles(const TileGrid& grid, const TileRange& range, Form form,
                               const float* images, float* points) {
  for (std::int64_t tile = range.first; tile < range.last; ++tile) {
    const Placement<kSide> place(grid, tile);
    const float* from = images + place.offset;
    float* to = points + (tile - range.first) * grid.channels;
    const bool is_inside = place.IsInside();
    std::int64_t c = 0;
    for (; c + kLanes <= grid.channels; c += kLanes) {
      if (is_inside) {
        TransformTile<kSide, kPoints, true, true>(grid, place, form, from + c, 0,
                                                  range.point_stride, to + c);
      } else {
        TransformTile<kSide, kPoints, false, true>(grid, place, form, from + c, 0,
                                                   range.point_stride, to + c);
      }
    }
    if (c < grid.channels) {
      TransformTile<kSide, kPoints, false, false>(grid, place, form, from + c,
                                                  static_cast<std::size_t>(grid.channels - c),
                                                  range.point_stride, to + c);
    }
  }
}

template <int kTile>
struct InputForm {
  HWY_INLINE void operator()(const V* x, V* t) const { WinogradForms<kTile>::Input(D(), x, t); }
};

template <int kTile>
struct GradOutputForm {
  HWY_INLINE void operator()(const V* y, V* m) const {
    WinogradForms<kTile>::GradOutput(D(), y, m);
  }
};

void InputTiles(const TileGrid& grid, const TileRange& range, const float* images, float* points) {
  if (grid.tile == 2) {
    TransformTiles<4, 4>(grid, range, InputForm<2>(), images, points);
  } else {
    TransformTiles<6, 6>(grid, range, InputForm<4>(), images, points);
  }
}

void GradOutputTiles(const TileGrid& grid, const TileRange& range, const float* images,
                     float* points) {
  if (grid.tile == 2) {
    TransformTiles<2, 4>(grid, range, GradOutputForm<2>(), images, points);
  } else {
    TransformTiles<4, 6>(grid, range, GradOutputForm<4>(), images, points);
  }
}

struct OutputArguments {
  const TileGrid& grid;
  const Epilogue& epilogue;
  std::int64_t point_stride;
  bool pools;
};

template <int kTile, Activation kKind>
HWY_INLINE void OutputTile(const OutputArguments& arguments, std::int64_t tile, std::int64_t c,
                           const float* HWY_RESTRICT points, float* HWY_RESTRICT images) {
  constexpr int kPoints = WinogradForms<kTile>::kPoints;
  const D d;
  const TileGrid& grid = arguments.grid;
  const std::size_t count =
      static_cast<std::size_t>(std::min<std::int64_t>(kLanes, grid.channels - c));
  const V slope = hn::Set(d, arguments.epilogue.slope);
  const V bias = arguments.epilogue.column_bias == nullptr
                     ? hn::Zero(d)
                     : LoadFirst(d, arguments.epilogue.column_bias + c, count);
  V result[kTile][kTile];
  TransformBothWays<kPoints, kTile>(
      [](const V* m, V* y) HWY_ATTR { WinogradForms<kTile>::Output(D(), m, y); },
      [&](int y, int x) HWY_ATTR {
        return LoadFirst(d, points + (y * kPoints + x) * arguments.point_stride + c, count);
      },
      [&](int y, int x, V v) HWY_ATTR { result[y][x] = hn::Add(v, bias); });
  const std::int64_t image = tile / grid.tiles();
  const std::int64_t y0 = tile % grid.tiles() / grid.tiles_x * kTile;
  const std::int64_t x0 = tile % grid.tiles_x * kTile;
  if (arguments.pools) {
    const std::int64_t height = grid.height / 2;
    const std::int64_t width = grid.width / 2;
    float* to = images + ((image * height + y0 / 2) * width + x0 / 2) * grid.pixel_stride + c;
    const std::int64_t rows = std::min<std::int64_t>(kTile / 2, height - y0 / 2);
    const std::int64_t columns = std::min<std::int64_t>(kTile / 2, width - x0 / 2);
    HWY_UNROLL(6)
    for (int y = 0; y < kTile / 2; ++y) {
      HWY_UNROLL(6)
      for (int x = 0; x < kTile / 2; ++x) {
        if (y >= rows || x >= columns) continue;
        const V upper = Larger(result[2 * y][2 * x], result[2 * y][2 * x + 1]);
        const V lower = Larger(result[2 * y + 1][2 * x], result[2 * y + 1][2 * x + 1]);
        const V largest = ActivateAs<kKind>(d, Larger(upper, lower), slope);
        StoreFirst(largest, d, to + (y * width + x) * grid.pixel_stride, count);
      }
    }
    return;
  }
  const std::int64_t place = ((image * grid.height + y0) * grid.width + x0) * grid.pixel_stride + c;
  const float* residual = arguments.epilogue.residual;
  const std::int64_t rows = std::min<std::int64_t>(kTile, grid.height - y0);
  const std::int64_t columns = std::min<std::int64_t>(kTile, grid.width - x0);
  HWY_UNROLL(6)
  for (int y = 0; y < kTile; ++y) {
    HWY_UNROLL(6)
    for (int x = 0; x < kTile; ++x) {
      if (y >= rows || x >= columns) continue;
      const std::int64_t at = place + (y * grid.width + x) * grid.pixel_stride;
      V value = result[y][x];
      if (residual != nullptr) value = hn::Add(value, LoadFirst(d, residual + at, count));
      StoreFirst(ActivateAs<kKind>(d, value, slope), d, images + at, count);
    }
  }
}

template <int kTile, Activation kKind>
void OutputTilesAs(const OutputArguments& arguments, const TileRange& range, const float* points,
                   float* images) {
  for (std::int64_t tile = range.first; tile < range.last; ++tile) {
    const float* from = points + (tile - range.first) * arguments.grid.channels;
    for (std::int64_t c = 0; c < arguments.grid.channels; c += kLanes) {
      OutputTile<kTile, kKind>(arguments, tile, c, from, images);
    }
  }
}

// Activations with exponentials are a pass of their own over what has just been written: in
// here they would be copied into the code once a position.
template <int kTile>
void OutputTilesOf(const OutputArguments& arguments, const TileRange& range, const float* points,
                   float* images) {
  switch (arguments.epilogue.activation) {
    case Activation::kRelu:
      return OutputTilesAs<kTile, Activation::kRelu>(arguments, range, points, images);
    case Activation::kRelu6:
      return OutputTilesAs<kTile, Activation::kRelu6>(arguments, range, points, images);
    default:
      return OutputTilesAs<kTile, Activation::kNone>(arguments, range, points, images);
  }
}

void OutputTiles(const TileGrid& grid, const TileRange& range, const float* points,
                 const Epilogue& epilogue, bool pools, float* images) {
  const OutputArguments arguments{grid, epilogue, range.point_stride, pools};
  if (grid.tile == 2) {
    OutputTilesOf<2>(arguments, range, points, images);
  } else {
    OutputTilesOf<4>(arguments, range, points, images);
  }
}

// dst[tap][n] = src[n * stride + tap] for 9 taps and up to kStripe n; the last vectors'
// lanes past `count` become 0.
constexpr std::int64_t kStripe = 64;
constexpr int kTaps = 9;
using Stripe = float[kTaps][kStripe];

void GatherTaps(const float* src, std::int64_t stride, std::int64_t count, Stripe& dst) {
  std::int64_t n = 0;
  for (; n + 4 <= count; n += 4) {
    for (const int tap : {0, 4, 5}) {  // 5 to 8 overlap 4 to 7: the same values once more
      Transpose4x4(src + n * stride + tap, stride, &dst[tap][n], kStripe);
    }
  }
  for (; n < count; ++n) {
    for (int tap = 0; tap < kTaps; ++tap) dst[tap][n] = src[n * stride + tap];
  }
  for (; n % kLanes != 0; ++n) {
    for (int tap = 0; tap < kTaps; ++tap) dst[tap][n] = 0.0f;
  }
}

void ScatterTaps(const Stripe& src, std::int64_t stride, std::int64_t count, float* dst) {
  std::int64_t n = 0;
  for (; n + 4 <= count; n += 4) {
    for (const int tap : {0, 4, 5})
      Transpose4x4(&src[tap][n], kStripe, dst + n * stride + tap, stride);
  }
  for (; n < count; ++n) {
    for (int tap = 0; tap < kTaps; ++tap) dst[n * stride + tap] = src[tap][n];
  }
}

template <int kTile>
void PackWeightsOf(const WinogradWeightsLayout& layout, std::int64_t first_k, std::int64_t last_k,
                   const float* weights, float* packed, std::int64_t point_stride) {
  constexpr int kPoints = WinogradForms<kTile>::kPoints;
  const D d;
  const std::int64_t panel_columns = ActiveTileShape().columns;
  alignas(64) Stripe taps;
  const auto form = [](const V* g, V* u) HWY_ATTR { WinogradForms<kTile>::Weights(D(), g, u); };
  for (std::int64_t k = first_k; k < last_k; ++k) {
    for (std::int64_t n0 = 0; n0 < layout.n; n0 += kStripe) {
      const std::int64_t count = std::min(kStripe, layout.n - n0);
      GatherTaps(weights + k * layout.k_stride + n0 * layout.n_stride, layout.n_stride, count,
                 taps);
      for (std::int64_t i = 0; i < count; i += kLanes) {
        const std::int64_t n = n0 + i;
        const std::int64_t panel = n / panel_columns * panel_columns;
        const std::int64_t width =
            std::min(panel_columns, (layout.n - panel + kLanes - 1) / kLanes * kLanes);
        float* to = packed + panel * layout.k + k * width + (n - panel);
        TransformBothWays<3, kPoints>(
            form,
            [&](int y, int x) HWY_ATTR {
              const int tap = y * 3 + x;
              return hn::Load(d, &taps[layout.is_reversed ? kTaps - 1 - tap : tap][i]);
            },
            [&](int p, int q, V v)
                HWY_ATTR { hn::StoreU(v, d, to + (p * kPoints + q) * point_stride); });
      }
    }
  }
}

void PackWeights(std::int64_t tile, const WinogradWeightsLayout& layout, std::int64_t first_k,
                 std::int64_t last_k, const float* weights, float* packed,
                 std::int64_t point_stride) {
  if (tile == 2) {
    PackWeightsOf<2>(layout, first_k, last_k, weights, packed, point_stride);
  } else {
    PackWeightsOf<4>(layout, first_k, last_k, weights, packed, point_stride);
  }
}

template <int kTile>
void GradWeightsOf(std::int64_t all_k, std::int64_t all_n, std::int64_t first_k,
                   std::int64_t last_k, const float* points, float* grad_weights) {
  constexpr int kPoints = WinogradForms<kTile>::kPoints;
  const D d;
  alignas(64) Stripe taps;
  for (std::int64_t k = first_k; k < last_k; ++k) {
    for (std::int64_t n0 = 0; n0 < all_n; n0 += kStripe) {
      const std::int64_t count = std::min(kStripe, all_n - n0);
      for (std::int64_t i = 0; i < count; i += kLanes) {
        const std::size_t lanes = static_cast<std::size_t>(std::min(kLanes, count - i));
        const float* from = points + k * all_n + n0 + i;
        TransformBothWays<kPoints, 3>(
            [](const V* u, V* g) HWY_ATTR { WinogradForms<kTile>::GradWeights(D(), u, g); },
            [&](int y, int x)
                HWY_ATTR { return LoadFirst(d, from + (y * kPoints + x) * all_k * all_n, lanes); },
            [&](int y, int x, V v) HWY_ATTR { hn::Store(v, d, &taps[y * 3 + x][i]); });
      }
      ScatterTaps(taps, all_k * kTaps, count, grad_weights + (n0 * all_k + k) * kTaps);
    }
  }
}

void GradWeights(std::int64_t tile, std::int64_t k, std::int64_t n, std::int64_t first_k,
                 std::int64_t last_k, const float* points, float* grad_weights) {
  if (tile == 2) {
    GradWeightsOf<2>(k, n, first_k, last_k, points, grad_weights);
  } else {
    GradWeightsOf<4>(k, n, first_k, last_k, points, grad_weights);
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void WinogradInput(const TileGrid& grid, const TileRange& range, const float* images,
                   float* points) {
  ESPALIER_KERNEL(InputTiles)(grid, range, images, points);
}

void WinogradGradOutput(const TileGrid& grid, const TileRange& range, const float* images,
                        float* points) {
  ESPALIER_KERNEL(GradOutputTiles)(grid, range, images, points);
}

void WinogradOutput(const TileGrid& grid, const TileRange& range, const float* points,
                    const Epilogue& epilogue, bool pools, float* images) {
  ESPALIER_KERNEL(OutputTiles)(grid, range, points, epilogue, pools, images);
}

void WinogradPackWeights(std::int64_t tile, const WinogradWeightsLayout& layout,
                         std::int64_t first_k, std::int64_t last_k, const float* weights,
                         float* packed, std::int64_t point_stride) {
  ESPALIER_KERNEL(PackWeights)(tile, layout, first_k, last_k, weights, packed, point_stride);
}

void WinogradGradWeights(std::int64_t tile, std::int64_t k, std::int64_t n, std::int64_t first_k,
                         std::int64_t last_k, const float* points, float* grad_weights) {
  ESPALIER_KERNEL(GradWeights)(tile, k, n, first_k, last_k, points, grad_weights);
}

}  // namespace espalier
#endif  // HWY_ONCE
