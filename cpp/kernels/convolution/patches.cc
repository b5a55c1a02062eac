// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/patches.h"

#include <algorithm>

#include "core/fast_paths.h"
#include "kernels/rounding.h"

namespace espalier {
namespace {

// Beyond, a row of outputs is long enough for the product that reads it where it lies.
constexpr std::int64_t kMostPositions = 16;
constexpr std::int64_t kFewestWeights = 1 << 19;  // 2 MiB: they don't stay in L2
// Rows of the product: several register tiles, and no more than 1 MiB of patches of 3 x 3 x 512.
constexpr std::int64_t kPatches = 48;

std::int64_t Positions(const ShiftedRows& rows) { return rows.output_height * rows.output_width; }

// Not a multiple of 2 KiB, which would put what a tile reads into few cache sets.
std::int64_t PatchStride(const ShiftedRows& rows) { return RoundUp(rows.depth(), 16) + 16; }

MatrixRef Patches(const ShiftedRows& rows, std::int64_t images, const float* scratch) {
  return {.data = scratch,
          .rows = images * Positions(rows),
          .columns = rows.depth(),
          .row_stride = PatchStride(rows),
          .column_stride = 1};
}

void CopyPatch(const ShiftedRows& rows, const float* image, std::int64_t y, std::int64_t x,
               float* to) {
  for (std::int64_t ky = 0; ky < rows.kernel_height; ++ky) {
    const std::int64_t row = y * rows.stride_height - rows.pad_top + ky * rows.dilation_height;
    for (std::int64_t kx = 0; kx < rows.kernel_width; ++kx, to += rows.channels) {
      const std::int64_t column = x * rows.stride_width - rows.pad_left + kx * rows.dilation_width;
      if (row < 0 || row >= rows.height || column < 0 || column >= rows.width) {
        std::fill_n(to, rows.channels, 0.0f);
      } else {
        std::copy_n(image + (row * rows.width + column) * rows.pixel_stride, rows.channels, to);
      }
    }
  }
}

}  // namespace

bool TakesPatches(const ShiftedRows& rows) {
  return !rows.has_bf16_weights && Positions(rows) > 0 && Positions(rows) <= kMostPositions &&
         rows.outputs * rows.depth() >= kFewestWeights &&
         rows.output_row_stride == rows.output_width * rows.output_pixel_stride &&
         Takes(FastPath::kPatches);
}

std::int64_t ImagesOfPatches(const ShiftedRows& rows) { return kPatches / Positions(rows); }

std::int64_t PatchesScratchFloats(const ShiftedRows& rows) {
  const std::int64_t images = ImagesOfPatches(rows);
  return images * Positions(rows) * PatchStride(rows) +
         MatmulPackedScratchFloats(Patches(rows, images, nullptr));
}

void SumPatches(const ShiftedRows& rows, const float* input, std::int64_t images,
                const float* packed, const Epilogue& epilogue, float* output, float* scratch) {
  float* to = scratch;
  for (std::int64_t i = 0; i < images; ++i) {
    const float* const image = input + i * rows.height * rows.width * rows.pixel_stride;
    for (std::int64_t position = 0; position < Positions(rows); ++position) {
      CopyPatch(rows, image, position / rows.output_width, position % rows.output_width, to);
      to += PatchStride(rows);
    }
  }
  MatmulPacked(Patches(rows, images, scratch), packed, rows.outputs, output,
               rows.output_pixel_stride, epilogue, to);
}

}  // namespace espalier
