// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul_row.h"

#include <limits>

#include "kernels/dispatch.h"

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
                     .b = product.packed_b,
                     .b_stride = kPanelColumns,
                     .panel_stride = 0,
                     .panel_columns = 0,
                     .ahead = nullptr,
                     .c = product.c,
                     .c_stride = 0,
                     .last_lanes = kLanes,
                     .row_bias = epilogue.row_bias,
                     .column_bias = epilogue.column_bias,
                     .start = epilogue.residual,
                     .start_stride = 0,
                     .is_rectified = is_rectified,
                     .most = is_relu6 ? 6.0f : std::numeric_limits<float>::infinity()};
  const auto advance = [&](std::int64_t panels) {
    tile.b += panels * panel_stride;
    tile.c += panels * kPanelColumns;
    if (tile.start != nullptr) tile.start += panels * kPanelColumns;
    if (tile.column_bias != nullptr) tile.column_bias += panels * kPanelColumns;
  };
  std::int64_t left = product.n;
  // Panels as far apart as they can lie, as in ChooseColumns.
  const auto multiply_full = [&](std::int64_t panels, TileFunction multiply) {
    const std::int64_t each = left / (panels * kPanelColumns);
    if (each == 0) return;
    tile.panel_stride = each * panel_stride;
    tile.panel_columns = each * kPanelColumns;
    for (std::int64_t i = 0; i < each; ++i) {
      multiply(tile);
      advance(1);
    }
    advance((panels - 1) * each);
    left -= panels * each * kPanelColumns;
  };
  if (PackedRowPanels<FloatColumns>(product.k, product.n) == 4) {
    multiply_full(4, RowTile<kTileVectors, 4>);
  }
  multiply_full(2, RowTile<kTileVectors, 2>);
  for (; left > kLanes; left -= kPanelColumns) {
    tile.last_lanes = left >= kPanelColumns ? kLanes : left - kLanes;
    RowTile<kTileVectors, 1>(tile);
    advance(1);
  }
  if (left > 0) {
    tile.b_stride = kLanes;
    tile.last_lanes = left;
    RowTile<1, 1>(tile);
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
