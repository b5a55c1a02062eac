// SPDX-License-Identifier: Apache-2.0
#include "kernels/integer_dispatch.h"
// integer_dispatch.h comes first.
#include "kernels/matmul/matmul_int8.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "espalier/error.h"
#include "core/text.h"
#include "kernels/elementwise/activation.h"
#include "kernels/matmul/matmul_panels.h"
#include "kernels/matmul/symmetric_bytes.h"
#include "kernels/rounding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/matmul_int8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/matmul/matmul_int8_tile-inl.h"
#include "kernels/matmul/quantize_rows-inl.h"

#ifndef ESPALIER_KERNELS_MATMUL_MATMUL_INT8_CC_
#define ESPALIER_KERNELS_MATMUL_MATMUL_INT8_CC_
namespace espalier {
namespace {

// A block of rows, all panels of the weights.
struct Int8Product {
  const float* a;
  std::int64_t a_stride;
  std::int64_t rows;
  std::int64_t depth;
  const std::int8_t* packed;
  const float* scales;
  const std::int32_t* sums;
  std::int64_t columns;
  float* c;
  std::int64_t c_stride;
  const Epilogue* epilogue;
  std::uint8_t* bytes;  // room for the rows, byte_stride apart
  std::int64_t byte_stride;
  Int8Row* quantized;  // room for as many
};

struct Int8Shape {
  std::int64_t panel;
  std::int64_t lanes;
};

}  // namespace
}  // namespace espalier
#endif  // ESPALIER_KERNELS_MATMUL_MATMUL_INT8_CC_

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

Int8Row QuantizeOne(const float* row, std::int64_t k, std::uint8_t* q) {
  Int8Row quantized;
  QuantizeRows(row, k, 1, k, q, RoundUp(k, kQuad), &quantized);
  return quantized;
}

void MultiplyInt8(const Int8Product& product) {
  QuantizeRows(product.a, product.a_stride, product.rows, product.depth, product.bytes,
               product.byte_stride, product.quantized);
  const Epilogue& epilogue = *product.epilogue;
  const std::int64_t quads = Ceiling(product.depth, kQuad);
  const RowTiles tiles(product.rows, kInt8TileRows);
  Int8Tile tile{.store = kInt8Stores[static_cast<std::size_t>(epilogue.activation)],
                .a = nullptr,
                .a_stride = product.byte_stride,
                .quads = quads,
                .b = nullptr,
                .panel_stride = kInt8PanelColumns * quads * kQuad,
                .rows = nullptr,
                .scales = nullptr,
                .sums = nullptr,
                .bias = nullptr,
                .residual = nullptr,
                .residual_stride = epilogue.residual_stride,
                .slope = epilogue.slope,
                .c = nullptr,
                .c_stride = product.c_stride,
                .last_lanes = 0};
  const std::int64_t most_panels = tiles.Most() == 1               ? kInt8QuadPanels
                                   : tiles.Most() <= kInt8WideRows ? 2
                                                                   : 1;
  for (std::int64_t column = 0; column < product.columns;) {
    const std::int64_t left = product.columns - column;
    const std::int64_t panels = left >= most_panels * kInt8PanelColumns            ? most_panels
                                : left >= 2 * kInt8PanelColumns && most_panels > 2 ? 2
                                                                                   : 1;
    const std::int64_t columns = std::min(left, panels * kInt8PanelColumns);
    const bool is_narrow = columns <= kInt8Lanes;
    tile.b = product.packed + column * quads * kQuad;
    tile.scales = product.scales + column;
    tile.sums = product.sums + column;
    if (epilogue.column_bias != nullptr) tile.bias = epilogue.column_bias + column;
    tile.last_lanes = static_cast<std::size_t>((columns - 1) % kInt8Lanes + 1);
    for (std::int64_t t = 0; t < tiles.count; ++t) {
      const std::int64_t row = tiles.Begin(t);
      const std::int64_t rows = tiles.Begin(t + 1) - row;
      tile.a = product.bytes + row * product.byte_stride;
      tile.rows = product.quantized + row;
      tile.c = product.c + row * product.c_stride + column;
      if (epilogue.residual != nullptr) {
        tile.residual = epilogue.residual + row * epilogue.residual_stride + column;
      }
      if (panels > 1) {
        (rows == 1 && panels == kInt8QuadPanels ? kInt8QuadTile : kInt8PairTiles[rows - 1])(tile);
      } else {
        (is_narrow ? kInt8Tiles<1> : kInt8Tiles<kInt8TileVectors>)[rows - 1](tile);
      }
      if (!IsShort(epilogue.activation)) {
        ActivateRows(epilogue.activation, epilogue.slope, rows, columns, tile.c, tile.c_stride);
      }
    }
    column += columns;
  }
}

Int8Shape GetInt8Shape() { return {.panel = kInt8PanelColumns, .lanes = kInt8Lanes}; }

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

Int8Shape ActiveInt8Shape() { return ESPALIER_INTEGER_KERNEL(GetInt8Shape)(); }

// Whole cache lines, and rows of a tile not all in one set of an L1 cache.
std::int64_t ByteStride(std::int64_t k) {
  constexpr std::int64_t kLine = 64;
  const std::int64_t bytes = RoundUp(std::max<std::int64_t>(k, 1), kLine);
  return bytes % 512 == 0 ? bytes + kLine : bytes;
}

// Rows that are quantized at a time, for all panels: some tiles of them in L2 beside the weights.
std::int64_t Int8BlockRows(std::int64_t k) {
  constexpr std::int64_t kBlockBytes = 96 << 10;
  return std::clamp<std::int64_t>(kBlockBytes / ByteStride(k), 28, 84);
}

void MultiplyBlocks(const MatrixRef& a, const Int8Weights& weights, std::int64_t column,
                    std::int64_t columns, float* c, std::int64_t c_stride, const Epilogue& epilogue,
                    float* scratch) {
  const std::int64_t stride = ByteStride(a.columns);
  const RowTiles blocks(a.rows, Int8BlockRows(a.columns));
  auto* const bytes = reinterpret_cast<std::uint8_t*>(scratch);
  for (std::int64_t block = 0; block < blocks.count; ++block) {
    const std::int64_t row = blocks.Begin(block);
    const std::int64_t rows = blocks.Begin(block + 1) - row;
    const Epilogue part = Shifted(epilogue, row, 0);
    ESPALIER_INTEGER_KERNEL(MultiplyInt8)
    ({.a = a.data + row * a.row_stride,
      .a_stride = a.row_stride,
      .rows = rows,
      .depth = a.columns,
      .packed = weights.packed.data() + column * RoundUp(a.columns, 4),
      .scales = weights.scales.data() + column,
      .sums = weights.sums.data() + column,
      .columns = columns,
      .c = c + row * c_stride,
      .c_stride = c_stride,
      .epilogue = &part,
      .bytes = bytes,
      .byte_stride = stride,
      .quantized = reinterpret_cast<Int8Row*>(bytes + rows * stride)});
  }
}

}  // namespace

std::string_view Int8KeepsFloat(std::int64_t k, std::int64_t n) {
  // Of a row: k values to quantize, n sums to scale. Measured: docs/decisions/0033.
  constexpr std::int64_t kLeastUses = 18;
  if (k > kMostInt8Depth) return "long sums";
  return k * n < kLeastUses * (k + n) ? "few" : "";
}

Int8Weights QuantizeWeights(const MatrixRef& b) {
  const std::int64_t k = b.rows;
  const std::int64_t n = b.columns;
  if (k > kMostInt8Depth) {
    Fail(ErrorCode::kInvalidArgument, "int8 product: expected sums of at most ", kMostInt8Depth,
         " terms, got ", k);
  }
  const Int8Shape shape = ActiveInt8Shape();
  const std::int64_t padded_k = RoundUp(k, 4);
  const std::int64_t padded_n = RoundUp(n, shape.lanes);
  Int8Weights weights{.k = k,
                      .n = n,
                      .packed = AlignedArray<std::int8_t>(padded_n * padded_k),
                      .scales = AlignedArray<float>(padded_n),
                      .sums = AlignedArray<std::int32_t>(padded_n)};
  AlignedArray<std::int8_t> column(k);
  for (std::int64_t j = 0; j < n; ++j) {
    weights.scales[j] =
        QuantizeSymmetric(b.data + j * b.column_stride, b.row_stride, k, column.data());
    const std::int64_t first = j / shape.panel * shape.panel;
    const std::int64_t width = std::min(shape.panel, padded_n - first);
    std::int8_t* const to = weights.packed.data() + first * padded_k + (j - first) * 4;
    for (std::int64_t i = 0; i < k; ++i) {
      to[i / 4 * width * 4 + i % 4] = column[i];
      weights.sums[j] += column[i];
    }
  }
  return weights;
}

std::int64_t Int8ScratchFloats(std::int64_t rows, std::int64_t k) {
  const std::int64_t bytes = ByteStride(k) + static_cast<std::int64_t>(sizeof(Int8Row));
  return std::min(rows, Int8BlockRows(k)) * bytes / static_cast<std::int64_t>(sizeof(float));
}

void MatmulInt8(const MatrixRef& a, const Int8Weights& weights, float* c, std::int64_t c_stride,
                const Epilogue& epilogue, float* scratch) {
  if (a.rows <= 0 || weights.n <= 0) return;
  MultiplyBlocks(a, weights, 0, weights.n, c, c_stride, epilogue, scratch);
}

void ParallelMatmulInt8(const MatrixRef& a, const Int8Weights& weights, float* c,
                        std::int64_t c_stride, const Epilogue& epilogue, Workspace& workspace) {
  constexpr std::int64_t kTaskProduct = 1 << 21;  // multiply-adds
  const std::int64_t m = a.rows;
  const std::int64_t n = weights.n;
  if (m <= 0 || n <= 0) return;
  const std::int64_t panel = ActiveInt8Shape().panel;
  const std::int64_t tasks = std::clamp<std::int64_t>(
      m * n / std::max<std::int64_t>(1, kTaskProduct / (a.columns + 1)), 1, 256);
  if (tasks == 1 || workspace.workers() == 1) {
    const FlushDenormals flush;  // as in ParallelFor
    MatmulInt8(a, weights, c, c_stride, epilogue, workspace.caller_scratch().data());
    return;
  }
  // Rows first: those that share columns alone would each quantize all of A.
  const std::int64_t row_pieces = std::min(tasks, Ceiling(m, kBlockRows));
  const ColumnParts columns(n, panel,
                            std::clamp<std::int64_t>(tasks / row_pieces, 1, Ceiling(n, panel)));
  workspace.ParallelFor(row_pieces * columns.parts,
                        [&](std::int64_t task, std::span<float> scratch) {
                          const std::int64_t row = m * (task % row_pieces) / row_pieces;
                          const std::int64_t rows = m * (task % row_pieces + 1) / row_pieces - row;
                          const std::int64_t column = columns.Begin(task / row_pieces);
                          const std::int64_t end = columns.Begin(task / row_pieces + 1);
                          MultiplyBlocks(BlockOf(a, row, rows, 0, a.columns), weights, column,
                                         end - column, c + row * c_stride + column, c_stride,
                                         Shifted(epilogue, row, column), scratch.data());
                        });
}

Int8Row QuantizeRow(const float* row, std::int64_t k, std::uint8_t* q) {
  return ESPALIER_INTEGER_KERNEL(QuantizeOne)(row, k, q);
}

}  // namespace espalier
#endif  // HWY_ONCE
