// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolution as sums over shifted rows of a channels-last image: for each row of the kernel,
// the inputs of an output position lie side by side, so a matrix product can read them where
// they are. Images are copied first only where there is padding to add. Internal to kernels/.

#include <cstdint>

#include "kernels/matmul/matmul.h"

namespace espalier {

/// One image, or one group of its channels. Padding may be negative: positions left out.
struct ShiftedRows {
  std::int64_t height, width;
  std::int64_t channels;      ///< of the group
  std::int64_t pixel_stride;  ///< floats from pixel to pixel of the image
  std::int64_t kernel_height, kernel_width;
  std::int64_t stride_height, stride_width;
  std::int64_t dilation_height, dilation_width;
  std::int64_t pad_top, pad_left;
  std::int64_t outputs;  ///< of the group
  std::int64_t output_height, output_width;
  std::int64_t output_row_stride, output_pixel_stride;  ///< floats
  bool has_bf16_weights = false;  ///< packed by PackBf16, their words taken for floats

  /// Terms of each sum, in the order (kernel row, kernel column, channel).
  std::int64_t depth() const { return kernel_height * kernel_width * channels; }

  /// Where in packed weights output `output` begins, the first of a panel.
  std::int64_t PackedOffset(std::int64_t output) const {
    return output * depth() / (has_bf16_weights ? 2 : 1);
  }
};

/// The rows of the image that output rows [first, last) read, with their padding.
struct PaddedImage {
  const float* data;        ///< of the first output row's first kernel element
  std::int64_t row_stride;  ///< floats
  std::int64_t pixel_stride;
};
std::int64_t PaddedImageFloats(const ShiftedRows& rows, std::int64_t output_rows);
/// Copies to `scratch` (PaddedImageFloats), or returns the image itself where that will do.
PaddedImage PadImage(const ShiftedRows& rows, const float* image, std::int64_t first,
                     std::int64_t last, float* scratch);

/// Most output rows whose padded image keeps to its share of L2; at least 1.
std::int64_t OutputRowsInCache(const ShiftedRows& rows);

/// output[y][x][o] for output rows [first, last) of one image. `packed`: PackB, or PackBf16, of
/// [depth, outputs]. A residual lies as the output. `pools`: followed by the maximum of each 2 x 2
/// positions; first is even then, the output has half the height and width and its own row stride.
/// Scratch: ShiftedRowsScratchFloats(rows, last - first, pools).
void SumShiftedRows(const ShiftedRows& rows, const float* image, std::int64_t first,
                    std::int64_t last, const float* packed, const Epilogue& epilogue, bool pools,
                    float* output, float* scratch);
std::int64_t ShiftedRowsScratchFloats(const ShiftedRows& rows, std::int64_t output_rows,
                                      bool pools);

/// Output rows whose gradients are summed in one go: some of one image, or all of each of several.
/// These are so small that their weights take longer to be read and written than to be summed.
struct GradientRows {
  std::int64_t images;
  std::int64_t first, last;
};

/// Most images at once that keep to their share of L2.
std::int64_t ImagesInCache(const ShiftedRows& rows);

/// sums[(kernel row, kernel column, channel)][o] (+)= Σ over images and their output rows of
/// input · grad_output, for outputs [0, columns). Strides of `grad_output` are the output's.
/// Scratch: PaddedImageFloats of each image.
void SumWeightGradients(const ShiftedRows& rows, const float* image, const float* grad_output,
                        const GradientRows& summed, std::int64_t columns, bool accumulates,
                        float* sums, std::int64_t sums_stride, float* scratch);

}  // namespace espalier
