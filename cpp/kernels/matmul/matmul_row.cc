// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/dispatch.h"
#include "kernels/matmul/matmul.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/matmul_row.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul/matmul_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

template <int kVectors, int kPanels>
void RowTile(const TileArguments& tile) {
  MultiplyTile<StridedRows, FloatColumns, 1, kVectors, kPanels>(tile);
}

// Where sums are clamped, to what; 0: they are not.
HWY_INLINE float MostOf(Activation activation) {
  if (activation == Activation::kRelu6) return 6.0f;
  return activation == Activation::kRelu ? std::numeric_limits<float>::infinity() : 0.0f;
}

// Up to kLanes columns, by the shortest vector of at least kMost lanes that holds them: masked
// stores of long vectors mostly cross a cache line, and what a tile needs to know of its product
// takes longer to write down than such a product takes.
template <std::size_t kMost = 4>
HWY_INLINE void MultiplyNarrowRow(const RowProduct& product, const Epilogue& epilogue) {
  const std::size_t n = static_cast<std::size_t>(product.n);
  if constexpr (kMost < kLanes) {
    if (n > kMost) {
      MultiplyNarrowRow<2 * kMost>(product, epilogue);
      return;
    }
  }
  const hn::CappedTag<float, kMost> d;
  auto sum = epilogue.residual != nullptr ? hn::LoadN(d, epilogue.residual, n) : hn::Zero(d);
  if (epilogue.row_bias != nullptr) sum = hn::Add(sum, hn::Set(d, epilogue.row_bias[0]));
  if (epilogue.column_bias != nullptr) {
    sum = hn::Add(sum, hn::LoadN(d, epilogue.column_bias, n));
  }
  for (std::int64_t k = 0; k < product.k; ++k) {
    sum = hn::MulAdd(hn::Set(d, product.a[k]), hn::LoadU(d, product.packed_b + k * kLanes), sum);
  }
  const float most = MostOf(epilogue.activation);
  if (most > 0.0f) sum = Rectify(d, sum, most);
  hn::StoreN(sum, d, product.c, n);
}

void MultiplyRow(const RowProduct& product, const Epilogue& epilogue) {
  if (product.n <= kLanes) {
    MultiplyNarrowRow(product, epilogue);
    return;
  }
  const float most = MostOf(epilogue.activation);
  const std::int64_t panel_stride = product.k * kPanelColumns;
  TileArguments tile{.a = product.a,
                     .a_stride = 0,
                     .segments = 1,
                     .segment_stride = 0,
                     .depth = product.k,
                     .b = nullptr,
                     .b_stride = kPanelColumns,
                     .panel_stride = 0,
                     .panel_columns = 0,
                     .ahead = nullptr,
                     .copy = nullptr,
                     .c = nullptr,
                     .c_stride = 0,
                     .last_lanes = kLanes,
                     .row_bias = epilogue.row_bias,
                     .column_bias = nullptr,
                     .start = nullptr,
                     .start_stride = 0,
                     .is_rectified = most > 0.0f,
                     .most = most};
  const auto multiply = [&](std::int64_t panel, TileFunction function) {
    tile.b = product.packed_b + panel * panel_stride;
    tile.c = product.c + panel * kPanelColumns;
    if (epilogue.residual != nullptr) tile.start = epilogue.residual + panel * kPanelColumns;
    if (epilogue.column_bias != nullptr) {
      tile.column_bias = epilogue.column_bias + panel * kPanelColumns;
    }
    function(tile);
  };
  const bool is_forward = product.order == PanelOrder::kForward;
  const std::int64_t full_panels = product.n / kPanelColumns;
  std::int64_t done = 0;  // panels
  // Panels of a tile as far apart as they can lie, as in ChooseColumns.
  const auto multiply_full = [&](std::int64_t panels, TileFunction function) {
    const std::int64_t tiles = (full_panels - done) / panels;
    tile.panel_stride = tiles * panel_stride;
    tile.panel_columns = tiles * kPanelColumns;
    for (std::int64_t i = 0; i < tiles; ++i) {
      multiply(done + (is_forward ? i : tiles - 1 - i), function);
    }
    done += panels * tiles;
  };
  if (PackedRowPanels<FloatColumns>(product.k, product.n) == 4) {
    multiply_full(4, RowTile<kTileVectors, 4>);
  }
  multiply_full(2, RowTile<kTileVectors, 2>);
  multiply_full(1, RowTile<kTileVectors, 1>);
  const std::int64_t left = product.n - full_panels * kPanelColumns;
  if (left > kLanes) {
    tile.last_lanes = left - kLanes;
    multiply(done, RowTile<kTileVectors, 1>);
  } else if (left > 0) {
    tile.b_stride = kLanes;
    tile.last_lanes = left;
    multiply(done, RowTile<1, 1>);
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void MultiplyRow(const RowProduct& product, const Epilogue& epilogue) {
  ESPALIER_KERNEL(MultiplyRow)(product, epilogue);
  if (!IsClamp(epilogue.activation)) {
    ActivateRows(epilogue.activation, epilogue.slope, 1, product.n, product.c, product.n);
  }
}

}  // namespace espalier
#endif  // HWY_ONCE
