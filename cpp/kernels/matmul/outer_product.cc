// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/outer_product.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/matmul/matmul_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/outer_product.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

// The same register tile as a matrix product's: kRows x 2 vectors of sums.
constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86 ? 14 : 6;

// kIsWhole: all lanes of the last vector exist; else `last` of them.
template <int kRows, int kVectors, bool kIsWhole>
void SumTile(const OuterProduct& product, std::int64_t i, std::int64_t j, std::size_t last) {
  const D d;
  const auto load = [d, last](const float* from, int v) HWY_ATTR {
    return kIsWhole || v + 1 < kVectors ? hn::LoadU(d, from + v * kLanes)
                                        : hn::LoadN(d, from + v * kLanes, last);
  };
  float* c = product.c + i * product.c_stride + j;
  V sums[kRows][kVectors];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = product.accumulates ? load(c + r * product.c_stride, v) : hn::Zero(d);
    }
  }
  for (std::int64_t s = 0; s < product.groups * product.segments; ++s) {
    const std::int64_t group = s / product.segments;
    const std::int64_t segment = s % product.segments;
    const float* HWY_RESTRICT a =
        product.a + group * product.a_group_stride + segment * product.a_segment_stride + i;
    const float* HWY_RESTRICT b =
        product.b + group * product.b_group_stride + segment * product.b_segment_stride + j;
    for (std::int64_t k = 0; k < product.depth; ++k) {
      V columns[kVectors];
      HWY_UNROLL(16)
      for (int v = 0; v < kVectors; ++v) columns[v] = load(b, v);
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r) {
        const V row = hn::Set(d, a[r]);
        HWY_UNROLL(16)
        for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(row, columns[v], sums[r][v]);
      }
      a += product.a_stride;
      b += product.b_stride;
    }
  }
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v) {
      float* to = c + r * product.c_stride + v * kLanes;
      if (kIsWhole || v + 1 < kVectors) {
        hn::StoreU(sums[r][v], d, to);
      } else {
        hn::StoreN(sums[r][v], d, to, last);
      }
    }
  }
}

using TileFunction = void (*)(const OuterProduct&, std::int64_t, std::int64_t, std::size_t);

template <int kVectors, bool kIsWhole>
constexpr TileFunction kTiles[] = {
    SumTile<1, kVectors, kIsWhole>,  SumTile<2, kVectors, kIsWhole>,
    SumTile<3, kVectors, kIsWhole>,  SumTile<4, kVectors, kIsWhole>,
    SumTile<5, kVectors, kIsWhole>,  SumTile<6, kVectors, kIsWhole>,
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    SumTile<7, kVectors, kIsWhole>,  SumTile<8, kVectors, kIsWhole>,
    SumTile<9, kVectors, kIsWhole>,  SumTile<10, kVectors, kIsWhole>,
    SumTile<11, kVectors, kIsWhole>, SumTile<12, kVectors, kIsWhole>,
    SumTile<13, kVectors, kIsWhole>, SumTile<14, kVectors, kIsWhole>,
#endif
};

void SumAllTiles(const OuterProduct& product) {
  const RowTiles tiles(product.rows, kTileRows);
  for (std::int64_t j = 0; j < product.columns; j += 2 * kLanes) {
    const std::int64_t count = std::min(2 * kLanes, product.columns - j);
    const std::size_t last = static_cast<std::size_t>((count - 1) % kLanes + 1);
    const bool is_whole = count % kLanes == 0;
    const TileFunction* functions = count > kLanes
                                        ? (is_whole ? kTiles<2, true> : kTiles<2, false>)
                                        : (is_whole ? kTiles<1, true> : kTiles<1, false>);
    for (std::int64_t t = 0; t < tiles.count; ++t) {
      const std::int64_t i = tiles.Begin(t);
      functions[tiles.Begin(t + 1) - i - 1](product, i, j, last);
    }
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void SumOuterProducts(const OuterProduct& product) { ESPALIER_KERNEL(SumAllTiles)(product); }

}  // namespace espalier
#endif  // HWY_ONCE
