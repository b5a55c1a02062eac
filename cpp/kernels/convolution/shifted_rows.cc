// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/shifted_rows.h"

#include <algorithm>
#include <cstring>

#include "kernels/convolution/max_pairs.h"
#include "kernels/convolution/one_channel.h"
#include "kernels/matmul/outer_product.h"
#include "kernels/rounding.h"
#include "kernels/matmul/strided_product.h"

namespace espalier {
namespace {

constexpr std::int64_t kPaddedFloats = 1 << 16;  // 256 KiB of an L2 of 1 MiB

// Weights in one block of the sum: as much again, so that they stay in L2 from one output
// row to the next.
constexpr std::int64_t kWeightFloats = 1 << 16;
constexpr std::int64_t kShortestBlock = 64;

std::int64_t PaddedWidth(const ShiftedRows& rows) {
  return (rows.output_width - 1) * rows.stride_width +
         (rows.kernel_width - 1) * rows.dilation_width + 1;
}

std::int64_t PaddedHeight(const ShiftedRows& rows, std::int64_t output_rows) {
  return (output_rows - 1) * rows.stride_height + (rows.kernel_height - 1) * rows.dilation_height +
         1;
}

std::int64_t PaddedRowFloats(const ShiftedRows& rows) {
  return RoundUp(PaddedWidth(rows) * rows.channels, 16);
}

void FillZero(float* to, std::int64_t count) {
  if (count > 0) std::memset(to, 0, static_cast<std::size_t>(count) * sizeof(float));
}

// Calls multiply(kernel row, offset in the row's elements, elements, rows of the kernel) for
// blocks of the sum, in order.
template <typename Multiply>
void ForDepthBlocks(const ShiftedRows& rows, Multiply multiply) {
  const std::int64_t most =
      std::max(kShortestBlock, kWeightFloats / std::max<std::int64_t>(rows.outputs, 1));
  const std::int64_t row_depth = rows.kernel_width * rows.channels;
  if (rows.dilation_width > 1) {
    for (std::int64_t ky = 0; ky < rows.kernel_height; ++ky) multiply(ky, 0, row_depth, 1);
  } else if (row_depth <= most) {
    const std::int64_t together = most / row_depth;
    for (std::int64_t ky = 0; ky < rows.kernel_height; ky += together) {
      multiply(ky, 0, row_depth, std::min(together, rows.kernel_height - ky));
    }
  } else {
    const std::int64_t parts = (row_depth + most - 1) / most;
    for (std::int64_t ky = 0; ky < rows.kernel_height; ++ky) {
      for (std::int64_t i = 0; i < parts; ++i) {
        const std::int64_t begin = row_depth * i / parts;
        multiply(ky, begin, row_depth * (i + 1) / parts - begin, 1);
      }
    }
  }
}

}  // namespace

std::int64_t PaddedImageFloats(const ShiftedRows& rows, std::int64_t output_rows) {
  return PaddedHeight(rows, output_rows) * PaddedRowFloats(rows);
}

std::int64_t OutputRowsInCache(const ShiftedRows& rows) {
  const std::int64_t kernel_rows = PaddedHeight(rows, 1);
  const std::int64_t most = kPaddedFloats / PaddedRowFloats(rows) - kernel_rows;
  return std::clamp<std::int64_t>(most / rows.stride_height + 1, 1, rows.output_height);
}

PaddedImage PadImage(const ShiftedRows& rows, const float* image, std::int64_t first,
                     std::int64_t last, float* scratch) {
  const std::int64_t top = first * rows.stride_height - rows.pad_top;
  const std::int64_t height = PaddedHeight(rows, last - first);
  const std::int64_t width = PaddedWidth(rows);
  const std::int64_t left = -rows.pad_left;
  if (rows.channels == rows.pixel_stride && top >= 0 && top + height <= rows.height && left >= 0 &&
      left + width <= rows.width) {
    return {image + (top * rows.width + left) * rows.pixel_stride, rows.width * rows.pixel_stride,
            rows.pixel_stride};
  }
  const std::int64_t row_stride = PaddedRowFloats(rows);
  const std::int64_t begin = std::clamp<std::int64_t>(-left, 0, width);  // on the image
  const std::int64_t end = std::clamp<std::int64_t>(rows.width - left, begin, width);
  for (std::int64_t r = 0; r < height; ++r) {
    float* to = scratch + r * row_stride;
    const std::int64_t y = top + r;
    if (y < 0 || y >= rows.height) {
      FillZero(to, row_stride);
      continue;
    }
    FillZero(to, begin * rows.channels);
    const float* from = image + (y * rows.width + left + begin) * rows.pixel_stride;
    if (rows.channels == rows.pixel_stride) {
      std::memcpy(to + begin * rows.channels, from,
                  static_cast<std::size_t>((end - begin) * rows.channels) * sizeof(float));
    } else {
      for (std::int64_t x = begin; x < end; ++x, from += rows.pixel_stride) {
        std::memcpy(to + x * rows.channels, from,
                    static_cast<std::size_t>(rows.channels) * sizeof(float));
      }
    }
    FillZero(to + end * rows.channels, (width - end) * rows.channels);
  }
  return {scratch, row_stride, rows.channels};
}

std::int64_t ShiftedRowsScratchFloats(const ShiftedRows& rows, std::int64_t output_rows,
                                      bool pools) {
  return PaddedImageFloats(rows, output_rows) + (pools ? 2 * rows.output_width * rows.outputs : 0);
}

void SumShiftedRows(const ShiftedRows& rows, const float* image, std::int64_t first,
                    std::int64_t last, const float* packed, const Epilogue& epilogue, bool pools,
                    float* output, float* scratch) {
  const PaddedImage padded = PadImage(rows, image, first, last, scratch);
  if (IsOneChannel(rows) && IsClamp(epilogue.activation) && !rows.has_bf16_weights) {
    SumOneChannel({rows, padded, first, last, packed, epilogue, pools, output});
    return;
  }
  const std::int64_t depth = rows.depth();
  Epilogue of_row = epilogue;
  const auto sum_rows = [&](std::int64_t y_begin, std::int64_t y_end, float* to,
                            std::int64_t to_row_stride, std::int64_t to_pixel_stride) {
    ForDepthBlocks(rows, [&](std::int64_t ky, std::int64_t offset, std::int64_t elements,
                             std::int64_t kernel_rows) {
      const bool is_dilated = rows.dilation_width > 1;
      const std::int64_t k = ky * rows.kernel_width * rows.channels + offset;
      StridedProduct product{.a = nullptr,
                             .row_stride = rows.stride_width * padded.pixel_stride,
                             .segments = is_dilated ? rows.kernel_width : kernel_rows,
                             .segment_stride = is_dilated
                                                   ? rows.dilation_width * padded.pixel_stride
                                                   : rows.dilation_height * padded.row_stride,
                             .segment_depth = is_dilated ? rows.channels : elements,
                             .rows = rows.output_width,
                             .packed_b = packed,
                             .packed_depth = depth,
                             .first_k = k,
                             .columns = rows.outputs,
                             .c = nullptr,
                             .c_stride = to_pixel_stride,
                             .epilogue = &of_row,
                             .is_first = k == 0,
                             .is_last = k + elements * kernel_rows == depth,
                             .is_bf16 = rows.has_bf16_weights};
      for (std::int64_t y = y_begin; y < y_end; ++y) {
        product.a =
            padded.data +
            ((y - first) * rows.stride_height + ky * rows.dilation_height) * padded.row_stride +
            offset;
        product.c = to + (y - y_begin) * to_row_stride;
        if (epilogue.residual != nullptr) {
          of_row.residual = epilogue.residual + y * rows.output_row_stride;
        }
        MultiplyStrided(product);
      }
    });
  };
  if (!pools) {
    sum_rows(first, last, output + first * rows.output_row_stride, rows.output_row_stride,
             rows.output_pixel_stride);
    return;
  }
  float* const pair = scratch + PaddedImageFloats(rows, last - first);
  for (std::int64_t y = first; y + 2 <= last; y += 2) {
    sum_rows(y, y + 2, pair, rows.output_width * rows.outputs, rows.outputs);
    MaxOfPairs(pair, rows.output_width, rows.outputs,
               output + y / 2 * (rows.output_width / 2) * rows.outputs);
  }
}

std::int64_t ImagesInCache(const ShiftedRows& rows) {
  return std::max<std::int64_t>(1, kPaddedFloats / PaddedImageFloats(rows, rows.output_height));
}

void SumWeightGradients(const ShiftedRows& rows, const float* image, const float* grad_output,
                        const GradientRows& summed, std::int64_t columns, bool accumulates,
                        float* sums, std::int64_t sums_stride, float* scratch) {
  const auto [images, first, last] = summed;
  const std::int64_t padded_floats = PaddedImageFloats(rows, last - first);
  const std::int64_t image_floats = rows.height * rows.width * rows.pixel_stride;
  const std::int64_t grad_floats = rows.output_height * rows.output_row_stride;
  const PaddedImage padded = PadImage(rows, image, first, last, scratch);
  const bool is_copied = padded.data == scratch;
  if (IsOneChannel(rows) && padded.pixel_stride == 1) {
    for (std::int64_t i = 0; i < images; ++i) {
      const PaddedImage next = PadImage(rows, image + i * image_floats, first, last, scratch);
      SumOneChannelGradients({rows, next, grad_output + i * grad_floats, first, last, columns,
                              accumulates || i > 0, sums, sums_stride});
    }
    return;
  }
  for (std::int64_t i = 1; is_copied && i < images; ++i) {
    PadImage(rows, image + i * image_floats, first, last, scratch + i * padded_floats);
  }
  const bool is_dilated = rows.dilation_width > 1;
  // Neighbouring columns of the kernel read neighbouring pixels: one run of terms.
  const std::int64_t runs = is_dilated ? rows.kernel_width : 1;
  const std::int64_t run = rows.kernel_width / runs * rows.channels;
  for (std::int64_t ky = 0; ky < rows.kernel_height; ++ky) {
    for (std::int64_t i = 0; i < runs; ++i) {
      SumOuterProducts({.a = padded.data + ky * rows.dilation_height * padded.row_stride +
                             i * rows.dilation_width * padded.pixel_stride,
                        .a_stride = rows.stride_width * padded.pixel_stride,
                        .a_segment_stride = rows.stride_height * padded.row_stride,
                        .b = grad_output + first * rows.output_row_stride,
                        .b_stride = rows.output_pixel_stride,
                        .b_segment_stride = rows.output_row_stride,
                        .segments = last - first,
                        .depth = rows.output_width,
                        .rows = run,
                        .columns = columns,
                        .c = sums + (ky * runs + i) * run * sums_stride,
                        .c_stride = sums_stride,
                        .accumulates = accumulates,
                        .groups = images,
                        .a_group_stride = is_copied ? padded_floats : image_floats,
                        .b_group_stride = grad_floats});
    }
  }
}

}  // namespace espalier
