// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/small_images.h"

#include <algorithm>

#include "kernels/convolution/conv2d_algorithm.h"
#include "kernels/convolution/patches.h"
#include "kernels/matmul/outer_product.h"
#include "kernels/rounding.h"

namespace espalier {
namespace {

// Rows of the patch matrix at a time: many uses of each weight, and 9 MiB of 3 x 3 x 512.
constexpr std::int64_t kMostRows = 512;

constexpr std::int64_t kGradientColumns = 64;  // of a task

std::int64_t Positions(const ConvolutionGeometry& g) { return g.output_height * g.output_width; }
std::int64_t Depth(const ConvolutionGeometry& g) {
  return g.channels * g.kernel_height * g.kernel_width;
}

// Not a multiple of 2 KiB, which would put what a tile reads into few cache sets.
std::int64_t PatchStride(const ConvolutionGeometry& g) { return RoundUp(Depth(g), 16) + 16; }

std::int64_t ImagesAtATime(const ConvolutionGeometry& g) { return kMostRows / Positions(g); }

// visit(first image, images) for the pieces of a batch.
template <typename Visit>
void ForPieces(const ConvolutionGeometry& g, std::int64_t batch, Visit visit) {
  for (std::int64_t first = 0; first < batch; first += ImagesAtATime(g)) {
    visit(first, std::min(ImagesAtATime(g), batch - first));
  }
}

// visit(where a pixel of `channels` floats begins in the image, or -1: padding; the kernel element)
// for all that an output position reads.
template <typename Visit>
void ForTaps(const ConvolutionGeometry& g, std::int64_t position, Visit visit) {
  const std::int64_t top = position / g.output_width * g.stride_height - g.pad_top;
  const std::int64_t left = position % g.output_width * g.stride_width - g.pad_left;
  for (std::int64_t ky = 0; ky < g.kernel_height; ++ky) {
    for (std::int64_t kx = 0; kx < g.kernel_width; ++kx) {
      const std::int64_t y = top + ky * g.dilation_height;
      const std::int64_t x = left + kx * g.dilation_width;
      const bool is_on_image = y >= 0 && y < g.height && x >= 0 && x < g.width;
      visit(is_on_image ? (y * g.width + x) * g.channels : -1, ky * g.kernel_width + kx);
    }
  }
}

void CopyPatches(const ConvolutionGeometry& g, std::int64_t images, const float* input,
                 float* patches, Workspace& workspace) {
  const std::int64_t area = g.kernel_height * g.kernel_width;
  workspace.ParallelFor(images, [&](std::int64_t i, std::span<float>) {
    const float* const image = input + i * g.height * g.width * g.channels;
    for (std::int64_t position = 0; position < Positions(g); ++position) {
      float* const patch = patches + (i * Positions(g) + position) * PatchStride(g);
      ForTaps(g, position, [&](std::int64_t pixel, std::int64_t tap) {
        for (std::int64_t c = 0; c < g.channels; ++c) {
          patch[c * area + tap] = pixel < 0 ? 0.0f : image[pixel + c];
        }
      });
    }
  });
}

void AddPatches(const ConvolutionGeometry& g, std::int64_t images, const float* patches,
                float* grad_input, Workspace& workspace) {
  const std::int64_t area = g.kernel_height * g.kernel_width;
  const std::int64_t image_floats = g.height * g.width * g.channels;
  workspace.ParallelFor(images, [&](std::int64_t i, std::span<float>) {
    float* const image = grad_input + i * image_floats;
    std::fill_n(image, image_floats, 0.0f);
    for (std::int64_t position = 0; position < Positions(g); ++position) {
      const float* const patch = patches + (i * Positions(g) + position) * PatchStride(g);
      ForTaps(g, position, [&](std::int64_t pixel, std::int64_t tap) {
        if (pixel < 0) return;
        for (std::int64_t c = 0; c < g.channels; ++c) image[pixel + c] += patch[c * area + tap];
      });
    }
  });
}

}  // namespace

bool HasSmallImages(const ConvolutionGeometry& g) {
  return g.groups == 1 && ChooseAlgorithm(g) == ConvolutionAlgorithm::kShiftedRows &&
         TakesPatches(ToShiftedRows(g));
}

std::int64_t SmallImagesFloats(const ConvolutionGeometry& g, std::int64_t batch) {
  return std::min(batch, ImagesAtATime(g)) * Positions(g) * PatchStride(g);
}

std::int64_t SmallImagesScratchFloats(const ConvolutionGeometry& g) {
  return std::max(ParallelMatmulScratchFloats(Depth(g), g.output_channels),
                  ParallelMatmulScratchFloats(g.output_channels, Depth(g)));
}

void SmallImagesForward(const ConvolutionGeometry& g, std::int64_t batch, const float* input,
                        const float* weights, const Epilogue& epilogue, float* output,
                        float* buffer, Workspace& workspace) {
  ForPieces(g, batch, [&](std::int64_t first, std::int64_t images) {
    CopyPatches(g, images, input + first * g.height * g.width * g.channels, buffer, workspace);
    ParallelMatmul({.data = buffer,
                    .rows = images * Positions(g),
                    .columns = Depth(g),
                    .row_stride = PatchStride(g),
                    .column_stride = 1},
                   MatrixRef::RowMajor(weights, g.output_channels, Depth(g)).Transposed(),
                   output + first * Positions(g) * g.output_channels, g.output_channels, epilogue,
                   workspace);
  });
}

void SmallImagesBackwardInput(const ConvolutionGeometry& g, std::int64_t batch,
                              const float* grad_output, const float* weights, float* grad_input,
                              float* buffer, Workspace& workspace) {
  ForPieces(g, batch, [&](std::int64_t first, std::int64_t images) {
    ParallelMatmul(MatrixRef::RowMajor(grad_output + first * Positions(g) * g.output_channels,
                                       images * Positions(g), g.output_channels),
                   MatrixRef::RowMajor(weights, g.output_channels, Depth(g)), buffer,
                   PatchStride(g), {}, workspace);
    AddPatches(g, images, buffer, grad_input + first * g.height * g.width * g.channels, workspace);
  });
}

void SmallImagesBackwardWeights(const ConvolutionGeometry& g, std::int64_t batch,
                                const float* input, const float* grad_output, float* grad_weights,
                                float* buffer, Workspace& workspace) {
  if (batch == 0) std::fill_n(grad_weights, g.output_channels * Depth(g), 0.0f);
  ForPieces(g, batch, [&](std::int64_t first, std::int64_t images) {
    CopyPatches(g, images, input + first * g.height * g.width * g.channels, buffer, workspace);
    workspace.ParallelFor(
        Ceiling(Depth(g), kGradientColumns), [&](std::int64_t task, std::span<float>) {
          const std::int64_t column = task * kGradientColumns;
          SumOuterProducts({.a = grad_output + first * Positions(g) * g.output_channels,
                            .a_stride = g.output_channels,
                            .a_segment_stride = 0,
                            .b = buffer + column,
                            .b_stride = PatchStride(g),
                            .b_segment_stride = 0,
                            .segments = 1,
                            .depth = images * Positions(g),
                            .rows = g.output_channels,
                            .columns = std::min(kGradientColumns, Depth(g) - column),
                            .c = grad_weights + column,
                            .c_stride = Depth(g),
                            .accumulates = first > 0});
        });
  });
}

}  // namespace espalier
