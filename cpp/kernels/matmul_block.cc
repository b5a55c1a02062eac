// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul_block.h"

#include "kernels/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul_block.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

void MultiplyAllTiles(const BlockProduct& product) {
  const Epilogue& epilogue = *product.epilogue;
  const RowTiles tiles(product.rows, kTileRows);
  const bool adds_bias = product.is_first;
  const bool activates = product.is_last && epilogue.activation != Activation::kNone;
  const float* b = product.packed_b;
  for (std::int64_t j = 0; j < product.columns;) {
    const TileColumns columns = ChooseColumns(product.rows, product.columns - j);
    TileArguments tile{.a = product.packed_a,
                       .b = b,
                       .depth = product.depth,
                       .panel_stride = product.panel_stride,
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
      tile.a = product.packed_a + row * product.depth;
      tile.c = product.c + row * product.c_stride + j;
      tile.row_bias = adds_bias && epilogue.row_bias != nullptr ? epilogue.row_bias + row : nullptr;
      ChooseTile<PackedRows>(rows, columns)(tile);
      // The tile has just been stored, so it is in L1: cheaper than an activation of its own
      // in each tile's code.
      if (activates) {
        ActivateRows(epilogue.activation, epilogue.slope, rows, columns.columns, tile.c,
                     tile.c_stride);
      }
    }
    j += columns.columns;
    b += columns.panels * product.panel_stride;
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

void MultiplyBlock(const BlockProduct& product) { ESPALIER_KERNEL(MultiplyAllTiles)(product); }

}  // namespace espalier
#endif  // HWY_ONCE
