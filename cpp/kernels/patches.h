// SPDX-License-Identifier: Apache-2.0
#pragma once

// The patches of an image that a convolution multiplies with its weights, moved between
// the image and the packed forms of matmul_block.h. Internal to kernels/.
//
// Between them stands a copy of a few channels and rows with the padding as real zeros and
// with the columns of a row sorted by their remainder modulo the stride (its phases), so
// that for every kernel element neighbouring outputs read neighbouring floats: no bounds
// to check and no gathers, at any stride and dilation.

#include <cstdint>

#include "kernels/conv2d.h"

namespace espalier {

/// Most kernel elements (channel, ky, kx) in one block.
inline constexpr std::int64_t kMostPatchRows = 256;

/// Most output positions in one block.
inline constexpr std::int64_t kMostPatchPositions = 256;

/// Floats that may be read or written past a padded copy, a packed block or a tile.
inline constexpr std::int64_t kPatchSlack = 64;

/// The padded copy that the output positions [first, first + count) need.
struct PaddedRows {
  PaddedRows(const ConvolutionGeometry& geometry, std::int64_t first_position, std::int64_t count);

  std::int64_t row_stride() const { return phases * phase_width; }
  std::int64_t channel_stride() const { return rows * row_stride(); }

  std::int64_t first_output_row;
  std::int64_t first_row;  ///< of the padded image
  std::int64_t rows;
  std::int64_t phases;
  std::int64_t phase_width;
};

/// Kernel elements [first_row, first_row + rows), counted from the padded copy's first
/// channel, at output positions [first_position, first_position + positions).
struct PatchBlock {
  const ConvolutionGeometry* geometry;
  const PaddedRows* padded_rows;
  std::int64_t first_row;
  std::int64_t rows;  ///< at most kMostPatchRows
  std::int64_t first_position;
  std::int64_t positions;  ///< at most kMostPatchPositions
};

/// padded = rows of `channels` channels of the image.
void PadChannels(const ConvolutionGeometry& geometry, const PaddedRows& padded_rows,
                 const float* image, std::int64_t channels, float* padded);

/// The inverse, all rows of the image: grad_image = padded, 0 where no patch reaches.
void UnpadChannels(const ConvolutionGeometry& geometry, const PaddedRows& padded_rows,
                   const float* padded, std::int64_t channels, float* grad_image);

/// Patches as B [rows, positions], in the form of PackB.
void PackPatchPanels(const PatchBlock& block, const float* padded, float* packed);

/// Patches as A [rows, positions], in the form of PackA.
void PackPatchTiles(const PatchBlock& block, const float* padded, float* packed);

/// Where in the padded copy each kernel element of the block finds output position (0, 0).
void FindPatchOffsets(const PatchBlock& block, std::int64_t* offsets);

/// Adds columns [rows, positions] to where the patches come from.
void AddPatches(const PatchBlock& block, const float* columns, std::int64_t column_stride,
                float* padded);

}  // namespace espalier
