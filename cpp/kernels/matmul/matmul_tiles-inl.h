// SPDX-License-Identifier: Apache-2.0

// A product cut into register tiles.

#if defined(ESPALIER_KERNELS_MATMUL_MATMUL_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESPALIER_KERNELS_MATMUL_MATMUL_TILES_INL_H_
#undef ESPALIER_KERNELS_MATMUL_MATMUL_TILES_INL_H_
#else
#define ESPALIER_KERNELS_MATMUL_MATMUL_TILES_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "kernels/elementwise/activation.h"
#include "kernels/matmul/matmul_block.h"
#include "kernels/matmul/matmul_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {

// The columns that some tiles of `rows` rows, one after the other, take of those that are left.
struct TileColumns {
  std::int64_t tiles;
  std::int64_t panels;      // that a tile takes
  std::int64_t apart;       // panels from one of these to the next
  std::int64_t step;        // panels from tile to tile
  std::int64_t columns;     // of each of a tile's panels
  std::int64_t last_lanes;  // columns in the last vector
  bool is_narrow;           // one vector
};

template <class Columns>
HWY_INLINE std::int64_t RowPanels(const TiledProduct& product) {
  if (product.b_stride != 0) return kHas32Registers ? 8 : 4;
  return PackedRowPanels<Columns>(product.depth, product.columns);
}

// Several panels of packed B lie as far apart as they can; see PackedRowPanels.
HWY_INLINE TileColumns ChooseColumns(std::int64_t most_panels, std::int64_t left, bool is_packed) {
  for (std::int64_t panels = most_panels; panels > 0; panels /= 2) {
    const std::int64_t tiles = left / (panels * kPanelColumns);
    if (tiles == 0) continue;
    return {.tiles = tiles,
            .panels = panels,
            .apart = is_packed ? tiles : 1,
            .step = is_packed ? 1 : panels,
            .columns = kPanelColumns,
            .last_lanes = kLanes,
            .is_narrow = false};
  }
  return {.tiles = 1,
          .panels = 1,
          .apart = 1,
          .step = 1,
          .columns = left,
          .last_lanes = (left - 1) % kLanes + 1,
          .is_narrow = left <= kLanes};
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
  const bool is_forward = asks || product.order == PanelOrder::kForward;
  const std::int64_t most_panels = tiles.Most() == 1           ? RowPanels<Columns>(product)
                                   : tiles.Most() <= kWideRows ? 2
                                                               : 1;
  for (std::int64_t first = 0; first < product.columns;) {  // column
    const TileColumns columns = ChooseColumns(most_panels, product.columns - first, is_packed);
    // A last panel that is narrower than the others has shorter rows.
    const std::int64_t width = columns.is_narrow ? Columns::kNarrowWords : Columns::kPanelWords;
    TileArguments tile{.a = product.a,
                       .a_stride = Rows<1>::Stride(product),
                       .segments = product.segments,
                       .segment_stride = product.segment_stride,
                       .depth = product.depth,
                       .b = nullptr,
                       .b_stride = is_packed ? width : product.b_stride,
                       .panel_stride = columns.apart * panel_stride,
                       .panel_columns = columns.apart * kPanelColumns,
                       .ahead = nullptr,
                       .copy = nullptr,
                       .c = product.c,
                       .c_stride = product.c_stride,
                       .last_lanes = columns.last_lanes,
                       .row_bias = nullptr,
                       .column_bias = nullptr,
                       .start = nullptr,
                       .start_stride = starts_from_c ? product.c_stride : epilogue.residual_stride,
                       .is_rectified = is_rectified,
                       .most = is_relu6 ? 6.0f : std::numeric_limits<float>::infinity()};
    const bool copies = product.panel_copy != nullptr && tiles.count > 1 && !columns.is_narrow;
    for (std::int64_t i = 0; i < columns.tiles; ++i) {
      const std::int64_t place = is_forward ? i : columns.tiles - 1 - i;
      const std::int64_t j = first + place * columns.step * kPanelColumns;
      tile.b = product.b + j / kPanelColumns * panel_stride + product.first_k * width;
      if (adds_bias && epilogue.column_bias != nullptr) tile.column_bias = epilogue.column_bias + j;
      const bool has_next = product.columns - j >= columns.columns + kPanelColumns;
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
        if (adds_bias && epilogue.row_bias != nullptr) tile.row_bias = epilogue.row_bias + row;
        // The first tiles fetch the next panel, a line of it with each k.
        tile.ahead = asks && next != nullptr && t < Columns::kPanelWords / kLineFloats
                         ? next + t * depth * kLineFloats
                         : nullptr;
        if (copies) {
          tile.copy = t == 0 ? product.panel_copy : nullptr;
          if (t > 0) tile.b = product.panel_copy;
          tile.b_stride = t == 0 ? product.b_stride : kPanelColumns;
        }
        ChooseTile<Rows, Columns>(rows, columns)(tile);
        for (std::int64_t p = 0; activates && p < columns.panels; ++p) {
          ActivateRows(epilogue.activation, epilogue.slope, rows, columns.columns,
                       tile.c + p * tile.panel_columns, tile.c_stride);
        }
      }
    }
    first += columns.tiles * columns.panels * kPanelColumns;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#endif  // ESPALIER_KERNELS_MATMUL_MATMUL_TILES_INL_H_
