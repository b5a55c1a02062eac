// SPDX-License-Identifier: Apache-2.0
#pragma once

// Winograd's transforms of whole tiles: from images to points, where the convolution is one
// matrix product a point, and back. Internal to kernels/.
//
// A tile is kTile x kTile positions of an image; tiles are counted along rows, over all
// images of a batch. "Points" lie [points][tiles][channels] with a stride between points.

#include <cstdint>

#include "kernels/matmul/matmul.h"

namespace espalier {

/// Points of a tile: (tile + 2)².
constexpr std::int64_t WinogradPoints(std::int64_t tile) { return (tile + 2) * (tile + 2); }

/// How images are cut into tiles. Tile (i, j) begins at (i · tile - pad_top,
/// j · tile - pad_left); what lies outside the image is 0, or is not written.
struct TileGrid {
  std::int64_t tile;           ///< 2 or 4
  std::int64_t height, width;  ///< of the images
  std::int64_t pixel_stride;   ///< floats from pixel to pixel
  std::int64_t channels;       ///< that are transformed, at most pixel_stride
  std::int64_t tiles_y, tiles_x;
  std::int64_t pad_top, pad_left;

  std::int64_t tiles() const { return tiles_y * tiles_x; }
};

/// Tiles [first, last) of all the tiles, and their points.
struct TileRange {
  std::int64_t first, last;
  std::int64_t point_stride;  ///< floats from point to point
};

/// points = Bᵀ d B of (tile + 2)² positions.
void WinogradInput(const TileGrid& grid, const TileRange& range, const float* images,
                   float* points);

/// points = A y Aᵀ of tile² positions: the gradient of the output.
void WinogradGradOutput(const TileGrid& grid, const TileRange& range, const float* images,
                        float* points);

/// images = activation(Aᵀ points A + column_bias + residual); if `pools`, the maximum of each 2 x 2
/// of them: the grid's image is then the one before pooling, the images written have half its
/// height and width, rounded down.
void WinogradOutput(const TileGrid& grid, const TileRange& range, const float* points,
                    const Epilogue& epilogue, bool pools, float* images);

/// Weights as the products' B: panels of PackB for each point, `point_stride` apart.
/// Element (k, n, tap) of the weights lies at k · k_stride + n · n_stride + tap; if
/// `is_reversed`, the taps are counted from the last.
struct WinogradWeightsLayout {
  std::int64_t k, n;
  std::int64_t k_stride, n_stride;
  bool is_reversed;
};
void WinogradPackWeights(std::int64_t tile, const WinogradWeightsLayout& layout,
                         std::int64_t first_k, std::int64_t last_k, const float* weights,
                         float* packed, std::int64_t point_stride);

/// grad_weights[n][k][tap] = Gᵀ points[.][k][n] G for k in [first_k, last_k).
void WinogradGradWeights(std::int64_t tile, std::int64_t k, std::int64_t n, std::int64_t first_k,
                         std::int64_t last_k, const float* points, float* grad_weights);

}  // namespace espalier
