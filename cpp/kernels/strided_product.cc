// SPDX-License-Identifier: Apache-2.0
#include "kernels/strided_product.h"

#include "kernels/dispatch.h"
#include "kernels/matmul_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/strided_product.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

void MultiplyStridedTiles(const StridedProduct& product) {
  const Epilogue& epilogue = *product.epilogue;
  const RowTiles tiles(product.rows, kTileRows);
  const bool adds_bias = product.is_first;
  const bool activates = product.is_last && epilogue.activation != Activation::kNone;
  const std::int64_t panel_stride = product.packed_depth * kPanelColumns;
  const float* panel = product.packed_b;
  for (std::int64_t j = 0; j < product.columns;) {
    const TileColumns columns = ChooseColumns(tiles.Most(), product.columns - j);
    // A last panel that is narrower than the others has shorter rows.
    const std::int64_t width = columns.is_narrow ? kLanes : kPanelColumns;
    TileArguments tile{.a = product.a,
                       .a_row_stride = product.row_stride,
                       .segments = product.segments,
                       .segment_stride = product.segment_stride,
                       .b = panel + product.first_k * width,
                       .depth = product.segment_depth,
                       .panel_stride = panel_stride,
                       .c = product.c + j,
                       .c_stride = product.c_stride,
                       .last_lanes = columns.last_lanes,
                       .row_bias = nullptr,
                       .column_bias = adds_bias && epilogue.column_bias != nullptr
                                          ? epilogue.column_bias + j
                                          : nullptr,
                       .starts_from_c = !product.is_first || epilogue.accumulate};
    for (std::int64_t t = 0; t < tiles.count; ++t) {
      const std::int64_t row = tiles.Begin(t);
      const std::int64_t rows = tiles.Begin(t + 1) - row;
      tile.a = product.a + row * product.row_stride;
      tile.c = product.c + row * product.c_stride + j;
      tile.row_bias = adds_bias && epilogue.row_bias != nullptr ? epilogue.row_bias + row : nullptr;
      ChooseTile<StridedRows>(rows, columns)(tile);
      if (activates) {
        ActivateRows(epilogue.activation, epilogue.slope, rows, columns.columns, tile.c,
                     tile.c_stride);
      }
    }
    j += columns.columns;
    panel += columns.panels * panel_stride;
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

void MultiplyStrided(const StridedProduct& product) {
  ESPALIER_KERNEL(MultiplyStridedTiles)(product);
}

}  // namespace espalier
#endif  // HWY_ONCE
