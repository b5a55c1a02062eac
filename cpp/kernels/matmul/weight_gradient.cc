// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/weight_gradient.h"

#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/matmul/matmul_block.h"
#include "kernels/reductions/reduction.h"
#include "kernels/rounding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/weight_gradient.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul/matmul_tile-inl.h"
#include "kernels/vectors/partial-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

// A piece is a tile high, and as wide as its place in L2 allows (112 KiB): the longer the runs of
// memory that belong to it, the better the hardware sees them coming.
constexpr std::int64_t kPieceColumns = 2048;
static_assert(kPieceColumns % kPanelColumns == 0);

constexpr std::int64_t kTaskProduct = 1 << 19;  // multiply-adds: about 10 µs

struct GradientTile {
  const float* gradients;  // [examples][rows]
  const float* inputs;     // [examples][vectors], inputs_stride apart
  std::int64_t inputs_stride;
  std::int64_t examples;
  float* values;  // [rows][vectors], values_stride apart
  std::int64_t values_stride;
  std::size_t last_lanes;  // columns of the last vector
};

// Returns the sum of the squares: those of a column's rows in float, the columns' in double.
template <int kRows, int kVectors>
double MultiplyGradientTile(const GradientTile& tile) {
  const TileTag d;
  TileVector sums[kRows][kVectors];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  }
  const float* HWY_RESTRICT gradients = tile.gradients;
  const float* HWY_RESTRICT inputs = tile.inputs;
  const std::int64_t inputs_stride = tile.inputs_stride;
  for (std::int64_t left = tile.examples; left > 0; --left) {
    TileVector columns[kVectors];
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v) columns[v] = hn::LoadU(d, inputs + v * kLanes);
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const TileVector row = hn::Set(d, gradients[r]);
      HWY_UNROLL(16)
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(row, columns[v], sums[r][v]);
    }
    gradients += kRows;
    inputs += inputs_stride;
  }
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    float* const row = tile.values + r * tile.values_stride;
    HWY_UNROLL(16)
    for (int v = 0; v + 1 < kVectors; ++v) hn::StoreU(sums[r][v], d, row + v * kLanes);
    StoreFirst(sums[r][kVectors - 1], d, row + (kVectors - 1) * kLanes, tile.last_lanes);
  }
  const hn::RepartitionToWide<TileTag> wide;
  hn::Vec<decltype(wide)> all = hn::Zero(wide);
  HWY_UNROLL(16)
  for (int v = 0; v < kVectors; ++v) {
    TileVector squares = hn::Zero(d);
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) squares = hn::MulAdd(sums[r][v], sums[r][v], squares);
    all =
        hn::Add(all, hn::Add(hn::PromoteLowerTo(wide, squares), hn::PromoteUpperTo(wide, squares)));
  }
  return hn::ReduceSum(wide, all);
}

using GradientTileFunction = double (*)(const GradientTile&);

// kGradientTiles<…>[rows - 1].
template <int kVectors>
constexpr GradientTileFunction kGradientTiles[] = {
    MultiplyGradientTile<1, kVectors>,  MultiplyGradientTile<2, kVectors>,
    MultiplyGradientTile<3, kVectors>,  MultiplyGradientTile<4, kVectors>,
    MultiplyGradientTile<5, kVectors>,  MultiplyGradientTile<6, kVectors>,
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    MultiplyGradientTile<7, kVectors>,  MultiplyGradientTile<8, kVectors>,
    MultiplyGradientTile<9, kVectors>,  MultiplyGradientTile<10, kVectors>,
    MultiplyGradientTile<11, kVectors>, MultiplyGradientTile<12, kVectors>,
    MultiplyGradientTile<13, kVectors>, MultiplyGradientTile<14, kVectors>,
#endif
};

// Runs of tiles that are worth a task.
struct TileRuns {
  explicit TileRuns(const WeightGradient& gradient) : tiles(gradient.rows, kTileRows) {
    const std::int64_t tile_product = tiles.Most() * gradient.columns * gradient.examples;
    const std::int64_t run = Ceiling(kTaskProduct, std::max<std::int64_t>(1, tile_product));
    count = Ceiling(tiles.count, std::min(run, tiles.count));
  }
  std::int64_t FirstTile(std::int64_t run) const { return tiles.count * run / count; }

  RowTiles tiles;
  std::int64_t count;
};

std::int64_t CountRuns(const WeightGradient& gradient) { return TileRuns(gradient).count; }

std::int64_t CountScratchFloats() {
  return kTileRows * kPieceColumns + kMostGradientExamples * (kPanelColumns + kTileRows) + kLanes;
}

// The columns that fill no panel, filled up with zeros.
struct LastPanel {
  std::int64_t first;
  std::int64_t stride;
  float* packed;
};

// Rows of a tile side by side. Whole vectors are written: what is beyond the rows is the next
// example's place, or that of the room behind the last.
void PackTile(const WeightGradient& gradient, std::int64_t row, std::int64_t rows, float* packed) {
  const TileTag d;
  const float* from = gradient.gradients + row;
  for (std::int64_t left = gradient.examples; left > 0; --left) {
    for (std::int64_t i = 0; i < rows; i += kLanes) {
      const auto n = static_cast<std::size_t>(std::min<std::int64_t>(kLanes, rows - i));
      hn::StoreU(hn::LoadN(d, from + i, n), d, packed + i);
    }
    from += gradient.rows;
    packed += rows;
  }
}

void PackLastPanel(const WeightGradient& gradient, const LastPanel& panel) {
  const std::int64_t columns = gradient.columns - panel.first;
  if (columns == 0) return;
  PackB({gradient.inputs + panel.first, gradient.examples, columns, gradient.columns, 1},
        panel.packed);
}

// Writes `values`, which are the piece's, and returns the sum of their squares.
double MultiplyRows(const WeightGradient& gradient, const LastPanel& last, const float* packed,
                    const GradientPiece& piece, float* values) {
  double squares = 0.0;
  const std::int64_t end = piece.first_column + piece.columns;
  for (std::int64_t column = piece.first_column; column < end; column += kPanelColumns) {
    const bool is_last = column == last.first;
    const std::int64_t width = is_last ? last.stride : kPanelColumns;
    const GradientTileFunction* const functions =
        width == kLanes ? kGradientTiles<1> : kGradientTiles<kTileVectors>;
    squares += functions[piece.rows - 1](
        {.gradients = packed,
         .inputs = is_last ? last.packed : gradient.inputs + column,
         .inputs_stride = is_last ? last.stride : gradient.columns,
         .examples = gradient.examples,
         .values = values + column - piece.first_column,
         .values_stride = piece.columns,
         .last_lanes = static_cast<std::size_t>(std::min(end - column, width) - width + kLanes)});
  }
  // Where squares may have vanished in float; beside more, those are nothing (1e-37 each). Or where
  // they were too large for it.
  constexpr double kLeast = 1e-20;
  return squares >= kLeast && std::isfinite(squares)
             ? squares
             : SumOfSquares(values, piece.rows * piece.columns);
}

void ForPieces(const WeightGradient& gradient, std::int64_t task, float* scratch,
               FunctionRef<void(const GradientPiece&)> consume) {
  float* const values = scratch;
  float* const packed_panel = values + kTileRows * kPieceColumns;
  float* const packed = packed_panel + kMostGradientExamples * kPanelColumns;
  const std::int64_t columns = gradient.columns;
  const LastPanel last{.first = columns / kPanelColumns * kPanelColumns,
                       .stride = RoundUp(columns % kPanelColumns, kLanes),
                       .packed = packed_panel};
  PackLastPanel(gradient, last);
  const TileRuns runs(gradient);
  for (std::int64_t tile = runs.FirstTile(task); tile < runs.FirstTile(task + 1); ++tile) {
    const std::int64_t row = runs.tiles.Begin(tile);
    const std::int64_t rows = runs.tiles.Begin(tile + 1) - row;
    PackTile(gradient, row, rows, packed);
    for (std::int64_t column = 0; column < columns; column += kPieceColumns) {
      const std::int64_t width = std::min(kPieceColumns, columns - column);
      GradientPiece piece{.first_row = row,
                          .rows = rows,
                          .first_column = column,
                          .columns = width,
                          .values = values,
                          .squares = 0.0};
      piece.squares = MultiplyRows(gradient, last, packed, piece, values);
      consume(piece);
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

std::int64_t WeightGradientTasks(const WeightGradient& gradient) {
  return ESPALIER_KERNEL(CountRuns)(gradient);
}

std::int64_t WeightGradientScratchFloats() { return ESPALIER_KERNEL(CountScratchFloats)(); }

void ForGradientPieces(const WeightGradient& gradient, std::int64_t task, float* scratch,
                       FunctionRef<void(const GradientPiece&)> consume) {
  ESPALIER_KERNEL(ForPieces)(gradient, task, scratch, consume);
}

}  // namespace espalier
#endif  // HWY_ONCE
