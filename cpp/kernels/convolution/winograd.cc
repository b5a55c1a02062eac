// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/winograd.h"

#include <algorithm>

#include "kernels/matmul/matmul_block.h"
#include "kernels/matmul/outer_product.h"
#include "kernels/rounding.h"
#include "kernels/matmul/strided_product.h"
#include "kernels/convolution/winograd_transform.h"

namespace espalier {
namespace {

// Tiles in one block of a product: enough rows to make use of each load of weights, at most
// as many as keep both sides of the points in half of an L2 of 1 MiB.
constexpr std::int64_t kFewestTiles = 28;
constexpr std::int64_t kMostTiles = 112;
constexpr std::int64_t kFewestSharedTiles = 14;  // where blocks are cut for other workers' sake
constexpr std::int64_t kBlockFloats = 1 << 17;

// Terms of the sum over tiles in one block of the weights' gradient.
constexpr std::int64_t kFewestTerms = 128;
constexpr std::int64_t kMostTerms = 512;
constexpr std::int64_t kTermsFloats = 1 << 19;  // 2 MiB, in L3

// Points of two blocks never fall into the same sets of L1, which repeat every 4 KiB.
constexpr std::int64_t kPointGap = 16;

constexpr std::int64_t kTaskProduct = 1 << 19;   // multiply-adds worth a task of their own
constexpr std::int64_t kShortProduct = 1 << 24;  // about 0.3 ms on one core

TileGrid GridOf(const WinogradConvolution& c, std::int64_t height, std::int64_t width,
                std::int64_t channels) {
  return {.tile = c.tile,
          .height = height,
          .width = width,
          .pixel_stride = channels,
          .channels = channels,
          .tiles_y = Ceiling(c.output_height, c.tile),
          .tiles_x = Ceiling(c.output_width, c.tile),
          .pad_top = 0,
          .pad_left = 0};
}

TileGrid InputGrid(const WinogradConvolution& c) {
  TileGrid grid = GridOf(c, c.height, c.width, c.channels);
  grid.pad_top = c.pad_top;
  grid.pad_left = c.pad_left;
  return grid;
}

TileGrid OutputGrid(const WinogradConvolution& c) {
  return GridOf(c, c.output_height, c.output_width, c.output_channels);
}

std::int64_t BlockTiles(const WinogradConvolution& c) {
  const std::int64_t tile_floats = WinogradPoints(c.tile) * (c.channels + c.output_channels);
  return std::clamp(kBlockFloats / tile_floats / kFewestTiles * kFewestTiles, kFewestTiles,
                    kMostTiles);
}

std::int64_t BlockTerms(const WinogradConvolution& c) {
  const std::int64_t tile_floats = WinogradPoints(c.tile) * (c.channels + c.output_channels);
  return std::clamp(kTermsFloats / tile_floats, kFewestTerms, kMostTerms);
}

std::int64_t PointFloats(std::int64_t tiles, std::int64_t channels) {
  return tiles * channels + kPointGap;
}

}  // namespace

std::int64_t WinogradPackedFloats(const WinogradConvolution& c) {
  return WinogradPoints(c.tile) * PackedFloats(c.channels, c.output_channels);
}

void WinogradPack(const WinogradConvolution& c, const float* weights, std::int64_t k_stride,
                  std::int64_t n_stride, bool is_reversed, float* packed, Workspace& workspace) {
  const WinogradWeightsLayout layout{c.channels, c.output_channels, k_stride, n_stride,
                                     is_reversed};
  constexpr std::int64_t kChannels = 8;  // in a task
  workspace.ParallelFor(Ceiling(c.channels, kChannels), [&](std::int64_t task, std::span<float>) {
    const std::int64_t first = task * kChannels;
    WinogradPackWeights(c.tile, layout, first, std::min(c.channels, first + kChannels), weights,
                        packed, PackedFloats(c.channels, c.output_channels));
  });
}

std::int64_t WinogradScratchFloats(const WinogradConvolution& c) {
  const std::int64_t tiles = BlockTiles(c);
  return WinogradPoints(c.tile) *
         (PointFloats(tiles, c.channels) + PointFloats(tiles, c.output_channels));
}

void WinogradForward(const WinogradConvolution& c, std::int64_t batch, const float* input,
                     const float* packed, const Epilogue& epilogue, bool pools, float* output,
                     Workspace& workspace) {
  const TileGrid from = InputGrid(c);
  const TileGrid to = OutputGrid(c);
  const std::int64_t points = WinogradPoints(c.tile);
  const std::int64_t tiles = batch * from.tiles();
  ColumnParts cut(c.output_channels, ActiveTileShape().columns, 1);
  std::int64_t blocks = Ceiling(tiles, BlockTiles(c));
  if (const std::int64_t workers = workspace.workers(); workers > 1) {
    // No bit depends on how tiles and columns are cut, so the number of workers may decide.
    // Columns are cut last, since each part transforms its inputs anew.
    const std::int64_t product = points * tiles * c.channels * c.output_channels;
    const std::int64_t most = std::max<std::int64_t>(1, tiles / kFewestSharedTiles);
    const std::int64_t tasks = std::clamp<std::int64_t>(product / kTaskProduct, 1, workers);
    blocks = std::max(blocks, std::min(tasks, most));
    blocks = std::max(blocks, std::min(Ceiling(blocks, workers) * workers, most));
    // A worker that wakes late misses a smaller share of a short call.
    const std::int64_t wanted = product < kShortProduct ? 2 * tasks : tasks;
    if (blocks < tasks) cut.parts = std::min(Ceiling(wanted, blocks), cut.panels);
  }
  const std::int64_t packed_point = PackedFloats(c.channels, c.output_channels);
  workspace.ParallelFor(blocks * cut.parts, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t block = task / cut.parts;
    const std::int64_t part = task % cut.parts;
    const std::int64_t first = tiles * block / blocks;
    const std::int64_t last = tiles * (block + 1) / blocks;
    const std::int64_t column = cut.Begin(part);
    const std::int64_t columns = cut.Begin(part + 1) - column;
    float* const inputs = scratch.data();
    const TileRange in{first, last, PointFloats(last - first, c.channels)};
    float* const sums = inputs + points * in.point_stride;
    const TileRange out{first, last, PointFloats(last - first, columns)};
    WinogradInput(from, in, input, inputs);
    const Epilogue none;
    for (std::int64_t p = 0; p < points; ++p) {
      const float* const b = packed + p * packed_point + column * c.channels;
      MultiplyStrided({.a = inputs + p * in.point_stride,
                       .row_stride = c.channels,
                       .segments = 1,
                       .segment_stride = 0,
                       .segment_depth = c.channels,
                       .rows = last - first,
                       .packed_b = b,
                       .packed_depth = c.channels,
                       .first_k = 0,
                       .next_b = p + 1 < points ? b + packed_point : nullptr,
                       .columns = columns,
                       .c = sums + p * out.point_stride,
                       .c_stride = columns,
                       .epilogue = &none,
                       .is_first = true,
                       .is_last = true});
    }
    TileGrid part_grid = to;
    part_grid.channels = columns;
    Epilogue shifted = epilogue;
    if (shifted.column_bias != nullptr) shifted.column_bias += column;
    if (shifted.residual != nullptr) shifted.residual += column;
    WinogradOutput(part_grid, out, sums, shifted, pools, output + column);
  });
}

std::int64_t WinogradGradWeightsFloats(const WinogradConvolution& c, std::int64_t batch) {
  const std::int64_t terms = std::min(BlockTerms(c), batch * InputGrid(c).tiles());
  return WinogradPoints(c.tile) *
         (PointFloats(terms, c.channels) + PointFloats(terms, c.output_channels) +
          c.channels * c.output_channels);
}

void WinogradBackwardWeights(const WinogradConvolution& c, std::int64_t batch, const float* input,
                             const float* grad_output, float* grad_weights, float* buffer,
                             Workspace& workspace) {
  const TileGrid in = InputGrid(c);
  const TileGrid out = OutputGrid(c);
  const std::int64_t points = WinogradPoints(c.tile);
  const std::int64_t tiles = batch * in.tiles();
  const std::int64_t blocks = std::max<std::int64_t>(1, Ceiling(tiles, BlockTerms(c)));
  const std::int64_t most = Ceiling(tiles, blocks);
  const std::int64_t in_stride = PointFloats(most, c.channels);
  const std::int64_t out_stride = PointFloats(most, c.output_channels);
  float* const inputs = buffer;
  float* const grads = inputs + points * in_stride;
  float* const sums = grads + points * out_stride;
  constexpr std::int64_t kTilesOfATask = 8;
  constexpr std::int64_t kChannelsOfATask = 64;
  const std::int64_t pieces = Ceiling(c.channels, kChannelsOfATask);
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::int64_t begin = tiles * block / blocks;
    const std::int64_t end = tiles * (block + 1) / blocks;
    workspace.ParallelFor(
        Ceiling(end - begin, kTilesOfATask), [&](std::int64_t task, std::span<float>) {
          const std::int64_t first = begin + task * kTilesOfATask;
          const std::int64_t last = std::min(end, first + kTilesOfATask);
          WinogradInput(in, {first, last, in_stride}, input, inputs + (first - begin) * c.channels);
          WinogradGradOutput(out, {first, last, out_stride}, grad_output,
                             grads + (first - begin) * c.output_channels);
        });
    workspace.ParallelFor(points * pieces, [&](std::int64_t task, std::span<float>) {
      const std::int64_t p = task / pieces;
      const std::int64_t first = c.channels * (task % pieces) / pieces;
      const std::int64_t last = c.channels * (task % pieces + 1) / pieces;
      SumOuterProducts({.a = inputs + p * in_stride + first,
                        .a_stride = c.channels,
                        .a_segment_stride = 0,
                        .b = grads + p * out_stride,
                        .b_stride = c.output_channels,
                        .b_segment_stride = 0,
                        .segments = 1,
                        .depth = end - begin,
                        .rows = last - first,
                        .columns = c.output_channels,
                        .c = sums + (p * c.channels + first) * c.output_channels,
                        .c_stride = c.output_channels,
                        .accumulates = block > 0});
    });
  }
  constexpr std::int64_t kChannels = 8;
  workspace.ParallelFor(Ceiling(c.channels, kChannels), [&](std::int64_t task, std::span<float>) {
    const std::int64_t first = task * kChannels;
    WinogradGradWeights(c.tile, c.channels, c.output_channels, first,
                        std::min(c.channels, first + kChannels), sums, grad_weights);
  });
}

}  // namespace espalier
