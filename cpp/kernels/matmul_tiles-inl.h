// SPDX-License-Identifier: Apache-2.0

// A product cut into register tiles.

#if defined(ESPALIER_KERNELS_MATMUL_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_MATMUL_TILES_INL_H_
#undef ESPALIER_KERNELS_MATMUL_TILES_INL_H_
#else
#define ESPALIER_KERNELS_MATMUL_TILES_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "kernels/activation.h"
#include "kernels/matmul_block.h"
#include "kernels/matmul_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {

// The columns that one tile of `rows` rows takes of those that are left.
struct TileColumns {
  std::int64_t columns;
  std::int64_t panels;
  std::int64_t last_lanes;
  bool is_narrow;  // one vector
};

template <class Columns>
HWY_INLINE std::int64_t RowPanels(const TiledProduct& product) {
  if (product.b_stride != 0) return kHas32Registers ? 8 : 4;
  return PackedRowPanels<Columns>(product.depth, product.columns);
}

HWY_INLINE TileColumns ChooseColumns(std::int64_t most_panels, std::int64_t left) {
  for (std::int64_t panels = most_panels; panels > 1; panels /= 2) {
    if (left >= panels * kPanelColumns) return {panels * kPanelColumns, panels, kLanes, false};
  }
  const std::int64_t columns = left < kPanelColumns ? left : kPanelColumns;
  return {columns, 1, (columns - 1) % kLanes + 1, columns <= kLanes};
}

template <template <int> class Rows, class Columns>
HWY_INLINE TileFunction ChooseTile(std::int64_t rows, const TileColumns& columns) {
  switch (columns.panels) {
    case 8:
      return kOctetTile<Rows, Columns>;
    case 4:
      return kQuadTile<Rows, Columns>;
    case 2:
      return kPairTiles<Rows, Columns>[rows - 1];
    default:
      return columns.is_narrow ? kTiles<Rows, Columns, 1>[rows - 1]
                               : kTiles<Rows, Columns, 2>[rows - 1];
  }
}

template <template <int> class Rows, class Columns>
void MultiplyTiles(const TiledProduct& product) {
  constexpr std::int64_t kAskDepth = 64;  // below, asking costs more than it hides
  const Epilogue& epilogue = *product.epilogue;
  const RowTiles tiles(product.rows, kTileRows);
  const bool adds_bias = product.is_first;
  const bool starts_from_c = !product.is_first || epilogue.accumulate;
  // Relu and relu6 take place in registers; another activation right after, in L1.
  const bool is_relu6 = epilogue.activation == Activation::kRelu6;
  const bool is_rectified =
      product.is_last && (is_relu6 || epilogue.activation == Activation::kRelu);
  const bool activates =
      product.is_last && !is_rectified && epilogue.activation != Activation::kNone;
  const bool is_packed = product.b_stride == 0;
  const std::int64_t panel_stride =
      is_packed ? product.packed_depth * Columns::kPanelWords : kPanelColumns;
  const std::int64_t depth = product.segments * product.depth;
  const bool asks = depth >= kAskDepth && tiles.Most() > kWideRows && is_packed;
  const std::int64_t most_panels = tiles.Most() == 1           ? RowPanels<Columns>(product)
                                   : tiles.Most() <= kWideRows ? 2
                                                               : 1;
  const float* panel = product.b;
  for (std::int64_t j = 0; j < product.columns;) {
    const TileColumns columns = ChooseColumns(most_panels, product.columns - j);
    // A last panel that is narrower than the others has shorter rows.
    const std::int64_t width = columns.is_narrow ? Columns::kNarrowWords : Columns::kPanelWords;
    const bool has_next = product.columns - j >= columns.columns + kPanelColumns;
    TileArguments tile{.a = product.a,
                       .a_stride = Rows<1>::Stride(product),
                       .segments = product.segments,
                       .segment_stride = product.segment_stride,
                       .depth = product.depth,
                       .b = panel + product.first_k * width,
                       .b_stride = is_packed ? width : product.b_stride,
                       .panel_stride = panel_stride,
                       .ahead = nullptr,
                       .c = product.c + j,
                       .c_stride = product.c_stride,
                       .last_lanes = columns.last_lanes,
                       .row_bias = nullptr,
                       .column_bias = adds_bias && epilogue.column_bias != nullptr
                                          ? epilogue.column_bias + j
                                          : nullptr,
                       .start = nullptr,
                       .start_stride = starts_from_c ? product.c_stride : epilogue.residual_stride,
                       .is_rectified = is_rectified,
                       .most = is_relu6 ? 6.0f : std::numeric_limits<float>::infinity()};
    const float* next = has_next ? tile.b + panel_stride : product.next_b;
    for (std::int64_t t = 0; t < tiles.count; ++t) {
      const std::int64_t row = tiles.Begin(t);
      const std::int64_t rows = tiles.Begin(t + 1) - row;
      tile.a = product.a + row * product.a_row_stride;
      tile.c = product.c + row * product.c_stride + j;
      if (starts_from_c) {
        tile.start = tile.c;
      } else if (epilogue.residual != nullptr) {
        tile.start = epilogue.residual + row * epilogue.residual_stride + j;
      }
      tile.row_bias = adds_bias && epilogue.row_bias != nullptr ? epilogue.row_bias + row : nullptr;
      // The first tiles fetch the next panel, a line of it with each k.
      tile.ahead = asks && next != nullptr && t < Columns::kPanelWords / kLineFloats
                       ? next + t * depth * kLineFloats
                       : nullptr;
      ChooseTile<Rows, Columns>(rows, columns)(tile);
      if (activates) {
        ActivateRows(epilogue.activation, epilogue.slope, rows, columns.columns, tile.c,
                     tile.c_stride);
      }
    }
    j += columns.columns;
    panel += columns.panels * panel_stride;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_MATMUL_TILES_INL_H_
