// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul_block.h"

#include <cstring>

#include "kernels/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul_block.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

// A tile is kTileRows x 2 vectors: with 32 registers 28 sums, 2 vectors of B and a broadcast;
// with 16 registers 12 sums. Two vectors wide because N is often a multiple of 32.
constexpr int kTileVectors = 2;
constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86 ? 14 : 6;
constexpr int kPanelColumns = kTileVectors * kLanes;

struct TileArguments {
  const float* a;  // [k][rows]
  const float* b;  // [k][vectors * lanes]
  std::int64_t depth;
  std::int64_t panel_stride;
  float* c;
  std::int64_t c_stride;
  std::int64_t last_lanes;  // columns in the last vector, 1 to kLanes
  const float* row_bias;
  const float* column_bias;
  bool starts_from_c;
};

// kRows x (kPanels * kVectors) vectors of C. Several panels at once keep enough loads of B
// under way where few rows share them.
template <int kRows, int kVectors, int kPanels>
void MultiplyTile(const TileArguments& tile) {
  constexpr int kAll = kVectors * kPanels;
  const D d;
  const std::size_t last = static_cast<std::size_t>(tile.last_lanes);
  const bool is_full = tile.last_lanes == kLanes;
  V sums[kRows][kAll];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (int v = 0; v < kAll; ++v) sums[r][v] = hn::Zero(d);
  }
  if (tile.starts_from_c) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const float* c = tile.c + r * tile.c_stride;
      HWY_UNROLL(16)
      for (int v = 0; v < kAll - 1; ++v) sums[r][v] = hn::LoadU(d, c + v * kLanes);
      const float* end = c + (kAll - 1) * kLanes;
      sums[r][kAll - 1] = is_full ? hn::LoadU(d, end) : hn::LoadN(d, end, last);
    }
  }
  if (tile.row_bias != nullptr) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const V bias = hn::Set(d, tile.row_bias[r]);
      HWY_UNROLL(16)
      for (int v = 0; v < kAll; ++v) sums[r][v] = hn::Add(sums[r][v], bias);
    }
  }
  if (tile.column_bias != nullptr) {
    HWY_UNROLL(16)
    for (int v = 0; v < kAll; ++v) {
      const float* from = tile.column_bias + v * kLanes;
      const V bias = v + 1 < kAll || is_full ? hn::LoadU(d, from) : hn::LoadN(d, from, last);
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r) sums[r][v] = hn::Add(sums[r][v], bias);
    }
  }

  const float* HWY_RESTRICT a = tile.a;
  const float* HWY_RESTRICT b = tile.b;
  const std::int64_t panel_stride = tile.panel_stride;
  for (std::int64_t k = tile.depth; k > 0; --k) {
    V columns[kAll];
    HWY_UNROLL(16)
    for (int v = 0; v < kAll; ++v) {
      columns[v] = hn::LoadU(d, b + (v / kVectors) * panel_stride + (v % kVectors) * kLanes);
    }
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const V row = hn::Set(d, a[r]);
      HWY_UNROLL(16)
      for (int v = 0; v < kAll; ++v) sums[r][v] = hn::MulAdd(row, columns[v], sums[r][v]);
    }
    a += kRows;
    b += kVectors * kLanes;
  }

  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    float* c = tile.c + r * tile.c_stride;
    HWY_UNROLL(16)
    for (int v = 0; v < kAll - 1; ++v) hn::StoreU(sums[r][v], d, c + v * kLanes);
    float* end = c + (kAll - 1) * kLanes;
    if (is_full) {
      hn::StoreU(sums[r][kAll - 1], d, end);
    } else {
      hn::StoreN(sums[r][kAll - 1], d, end, last);
    }
  }
}

using TileFunction = void (*)(const TileArguments&);

template <int kVectors>
constexpr TileFunction kTiles[] = {
    MultiplyTile<1, kVectors, 1>,  MultiplyTile<2, kVectors, 1>,  MultiplyTile<3, kVectors, 1>,
    MultiplyTile<4, kVectors, 1>,  MultiplyTile<5, kVectors, 1>,  MultiplyTile<6, kVectors, 1>,
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    MultiplyTile<7, kVectors, 1>,  MultiplyTile<8, kVectors, 1>,  MultiplyTile<9, kVectors, 1>,
    MultiplyTile<10, kVectors, 1>, MultiplyTile<11, kVectors, 1>, MultiplyTile<12, kVectors, 1>,
    MultiplyTile<13, kVectors, 1>, MultiplyTile<14, kVectors, 1>,
#endif
};
static_assert(sizeof(kTiles<1>) / sizeof(TileFunction) == kTileRows);

// Full panels side by side for 1, 2 and 3 rows.
constexpr int kWidePanels[] = {4, 2, 1};
constexpr TileFunction kWideTiles[] = {MultiplyTile<1, kTileVectors, 4>,
                                       MultiplyTile<2, kTileVectors, 2>,
                                       MultiplyTile<3, kTileVectors, 1>};

// dst[k * width + r] = src[r * stride + k]. Blocks of 4 x 4, 16 k at a time so that each
// cache line of a row is read in one go even where all rows fall into the same cache set.
void TransposeInto(const float* HWY_RESTRICT src, std::int64_t stride, std::int64_t rows,
                   std::int64_t depth, float* HWY_RESTRICT dst, std::int64_t width) {
  constexpr std::int64_t kLine = 16;
  const hn::FixedTag<float, 4> d4;
  const hn::Repartition<double, decltype(d4)> d2;
  std::int64_t k0 = 0;
  for (; k0 + 4 <= depth && rows >= 4; k0 += kLine) {
    const std::int64_t k_end = std::min(depth & ~std::int64_t{3}, k0 + kLine);
    for (std::int64_t r0 = 0; r0 < rows; r0 += 4) {
      // The last four rows may overlap those before: the same values once more.
      const std::int64_t r = std::min(r0, rows - 4);
      const float* from = src + r * stride;
      for (std::int64_t k = k0; k < k_end; k += 4) {
        const auto row0 = hn::LoadU(d4, from + k);
        const auto row1 = hn::LoadU(d4, from + stride + k);
        const auto row2 = hn::LoadU(d4, from + 2 * stride + k);
        const auto row3 = hn::LoadU(d4, from + 3 * stride + k);
        const auto low01 = hn::BitCast(d2, hn::InterleaveLower(d4, row0, row1));
        const auto low23 = hn::BitCast(d2, hn::InterleaveLower(d4, row2, row3));
        const auto high01 = hn::BitCast(d2, hn::InterleaveUpper(d4, row0, row1));
        const auto high23 = hn::BitCast(d2, hn::InterleaveUpper(d4, row2, row3));
        float* to = dst + k * width + r;
        hn::StoreU(hn::BitCast(d4, hn::InterleaveLower(d2, low01, low23)), d4, to);
        hn::StoreU(hn::BitCast(d4, hn::InterleaveUpper(d2, low01, low23)), d4, to + width);
        hn::StoreU(hn::BitCast(d4, hn::InterleaveLower(d2, high01, high23)), d4, to + 2 * width);
        hn::StoreU(hn::BitCast(d4, hn::InterleaveUpper(d2, high01, high23)), d4, to + 3 * width);
      }
    }
  }
  for (std::int64_t k = rows >= 4 ? depth & ~std::int64_t{3} : 0; k < depth; ++k) {
    for (std::int64_t r = 0; r < rows; ++r) dst[k * width + r] = src[r * stride + k];
  }
}

// Copies one row of `count` floats and fills up with zeros to `width`, a multiple of kLanes.
HWY_INLINE void CopyRow(const float* HWY_RESTRICT src, std::int64_t count, std::int64_t width,
                        float* HWY_RESTRICT dst) {
  const D d;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(hn::LoadU(d, src + i), d, dst + i);
  if (i < width) {
    hn::StoreU(hn::LoadN(d, src + i, static_cast<std::size_t>(count - i)), d, dst + i);
  }
}

void PackColumns(const MatrixRef& b, float* HWY_RESTRICT packed) {
  if (b.rows == 0) return;  // its data may be null
  for (std::int64_t j = 0; j < b.columns; j += kPanelColumns) {
    const std::int64_t count = std::min<std::int64_t>(kPanelColumns, b.columns - j);
    const std::int64_t width = (count + kLanes - 1) / kLanes * kLanes;
    const float* src = b.data + j * b.column_stride;
    if (b.column_stride == 1) {
      for (std::int64_t k = 0; k < b.rows; ++k) {
        CopyRow(src + k * b.row_stride, count, width, packed + k * width);
      }
    } else {
      if (count < width) {
        std::memset(packed, 0, static_cast<std::size_t>(b.rows * width) * sizeof(float));
      }
      if (b.row_stride == 1) {
        TransposeInto(src, b.column_stride, count, b.rows, packed, width);
      } else {
        for (std::int64_t k = 0; k < b.rows; ++k) {
          for (std::int64_t i = 0; i < count; ++i) {
            packed[k * width + i] = src[k * b.row_stride + i * b.column_stride];
          }
        }
      }
    }
    packed += b.rows * width;
  }
}

template <int kRows>
void CopyTileRows(const MatrixRef& a, std::int64_t row, float* HWY_RESTRICT packed) {
  const float* src = a.data + row;
  for (std::int64_t k = 0; k < a.columns; ++k) {
    std::memcpy(packed + k * kRows, src + k * a.column_stride, kRows * sizeof(float));
  }
}

using CopyFunction = void (*)(const MatrixRef&, std::int64_t, float*);
constexpr CopyFunction kCopyTileRows[] = {
    CopyTileRows<1>,  CopyTileRows<2>,  CopyTileRows<3>,  CopyTileRows<4>,
    CopyTileRows<5>,  CopyTileRows<6>,
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    CopyTileRows<7>,  CopyTileRows<8>,  CopyTileRows<9>,  CopyTileRows<10>,
    CopyTileRows<11>, CopyTileRows<12>, CopyTileRows<13>, CopyTileRows<14>,
#endif
};

void PackRows(const MatrixRef& a, float* HWY_RESTRICT packed) {
  if (a.columns == 0) return;  // its data may be null
  const RowTiles tiles(a.rows, kTileRows);
  for (std::int64_t t = 0; t < tiles.count; ++t) {
    const std::int64_t row = tiles.Begin(t);
    const std::int64_t rows = tiles.Begin(t + 1) - row;
    if (a.row_stride == 1) {
      kCopyTileRows[rows - 1](a, row, packed);
    } else if (a.column_stride == 1) {
      TransposeInto(a.data + row * a.row_stride, a.row_stride, rows, a.columns, packed, rows);
    } else {
      const float* src = a.data + row * a.row_stride;
      for (std::int64_t k = 0; k < a.columns; ++k) {
        for (std::int64_t r = 0; r < rows; ++r) {
          packed[k * rows + r] = src[r * a.row_stride + k * a.column_stride];
        }
      }
    }
    packed += rows * a.columns;
  }
}

// The tile has just been stored, so it is in L1: cheaper than an activation of its own in
// each tile's code. `count` columns of each row.
template <Activation kKind>
void ActivateTile(const TileArguments& tile, std::int64_t rows, std::int64_t count, float slope) {
  const D d;
  const V slopes = hn::Set(d, slope);
  for (std::int64_t r = 0; r < rows; ++r) {
    float* c = tile.c + r * tile.c_stride;
    std::int64_t j = 0;
    for (; j + kLanes <= count; j += kLanes) {
      hn::StoreU(ActivateAs<kKind>(d, hn::LoadU(d, c + j), slopes), d, c + j);
    }
    if (j < count) {
      const std::size_t rest = static_cast<std::size_t>(count - j);
      hn::StoreN(ActivateAs<kKind>(d, hn::LoadN(d, c + j, rest), slopes), d, c + j, rest);
    }
  }
}

using ActivateFunction = void (*)(const TileArguments&, std::int64_t, std::int64_t, float);

ActivateFunction ChooseActivation(Activation kind) {
  switch (kind) {
    case Activation::kNone:
      return nullptr;
    case Activation::kRelu:
      return ActivateTile<Activation::kRelu>;
    case Activation::kRelu6:
      return ActivateTile<Activation::kRelu6>;
    case Activation::kLeakyRelu:
      return ActivateTile<Activation::kLeakyRelu>;
    case Activation::kGelu:
      return ActivateTile<Activation::kGelu>;
    case Activation::kSilu:
      return ActivateTile<Activation::kSilu>;
    case Activation::kSigmoid:
      return ActivateTile<Activation::kSigmoid>;
    case Activation::kTanh:
      return ActivateTile<Activation::kTanh>;
  }
  return nullptr;
}

void MultiplyAllTiles(const BlockProduct& product) {
  const Epilogue& epilogue = *product.epilogue;
  const RowTiles tiles(product.rows, kTileRows);
  const bool adds_bias = product.is_first;
  const ActivateFunction activate =
      product.is_last ? ChooseActivation(epilogue.activation) : nullptr;
  const float* b = product.packed_b;
  for (std::int64_t j = 0; j < product.columns;) {
    std::int64_t count = std::min<std::int64_t>(kPanelColumns, product.columns - j);
    std::int64_t panels = 1;
    const std::int64_t vectors = (count + kLanes - 1) / kLanes;
    TileFunction wide = nullptr;
    if (product.rows <= 3) {
      const std::int64_t side_by_side = kWidePanels[product.rows - 1];
      if (product.columns - j >= side_by_side * kPanelColumns) {
        panels = side_by_side;
        count = panels * kPanelColumns;
        wide = kWideTiles[product.rows - 1];
      }
    }
    TileArguments tile{.a = product.packed_a,
                       .b = b,
                       .depth = product.depth,
                       .panel_stride = product.panel_stride,
                       .c = product.c + j,
                       .c_stride = product.c_stride,
                       .last_lanes = (count - 1) % kLanes + 1,
                       .row_bias = nullptr,
                       .column_bias = adds_bias && epilogue.column_bias != nullptr
                                          ? epilogue.column_bias + j
                                          : nullptr,
                       .starts_from_c = !product.is_first || epilogue.accumulate};
    for (std::int64_t t = 0; t < tiles.count; ++t) {
      const std::int64_t row = tiles.Begin(t);
      const std::int64_t rows = tiles.Begin(t + 1) - row;
      tile.a = product.packed_a + row * product.depth;
      tile.c = product.c + row * product.c_stride + j;
      tile.row_bias = adds_bias && epilogue.row_bias != nullptr ? epilogue.row_bias + row : nullptr;
      if (wide != nullptr) {
        wide(tile);
      } else {
        (vectors == 1 ? kTiles<1> : kTiles<2>)[rows - 1](tile);
      }
      if (activate != nullptr) activate(tile, rows, count, epilogue.slope);
    }
    j += count;
    b += panels * product.panel_stride;
  }
}

TileShape GetTileShape() { return {kTileRows, kPanelColumns, kLanes}; }

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

TileShape ActiveTileShape() { return ESPALIER_KERNEL(GetTileShape)(); }

void PackA(const MatrixRef& a, float* packed) { ESPALIER_KERNEL(PackRows)(a, packed); }

void MultiplyBlock(const BlockProduct& product) { ESPALIER_KERNEL(MultiplyAllTiles)(product); }

void PackB(const MatrixRef& b, float* packed) { ESPALIER_KERNEL(PackColumns)(b, packed); }

}  // namespace espalier
#endif  // HWY_ONCE
