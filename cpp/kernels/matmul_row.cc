// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/dispatch.h"
#include "kernels/matmul.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul_row.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

template <int kVectors, int kPanels>
void RowTile(const TileArguments& tile) {
  MultiplyTile<StridedRows, FloatColumns, 1, kVectors, kPanels>(tile);
}

void MultiplyRow(const RowProduct& product, const Epilogue& epilogue) {
  const bool is_relu6 = epilogue.activation == Activation::kRelu6;
  const bool is_rectified = is_relu6 || epilogue.activation == Activation::kRelu;
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
                     .is_rectified = is_rectified,
                     .most = is_relu6 ? 6.0f : std::numeric_limits<float>::infinity()};
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
    if (full_panels - done < panels) return;
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
