// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/conv2d_algorithm.h"

#include <algorithm>

#include "core/fast_paths.h"
#include "kernels/convolution/depthwise.h"
#include "kernels/rounding.h"

namespace espalier {
namespace {

// What the forms cost an image, in multiply-adds of a matrix product. A sum costs
// kSumOverhead beside its terms (to be begun and stored); a transform costs so much a channel
// of a tile.
constexpr std::int64_t kSumOverhead = 6;

// A weight costs as long to fetch as this many multiply-adds with it, so few tiles make
// little use of the larger transforms: from L3, and from memory where that many do not fit.
constexpr std::int64_t kFewestUses = 3;
constexpr std::int64_t kFewestUsesOfMany = 8;
constexpr std::int64_t kManyWeights = 1 << 22;  // 16 MiB

std::int64_t DirectCost(const ConvolutionGeometry& g) {
  return g.output_height * g.output_width * g.output_channels * (9 * g.channels + kSumOverhead);
}

struct TransformCost {
  std::int64_t input, output;
};
constexpr TransformCost kTransform2 = {64, 64};
constexpr TransformCost kTransform4 = {180, 180};

std::int64_t WinogradCost(const ConvolutionGeometry& g, std::int64_t tile,
                          const TransformCost& transform) {
  const std::int64_t tiles = Ceiling(g.output_height, tile) * Ceiling(g.output_width, tile);
  const std::int64_t points = (tile + 2) * (tile + 2);
  const bool are_many = points * g.channels * g.output_channels > kManyWeights;
  const std::int64_t fewest = are_many ? kFewestUsesOfMany : kFewestUses;
  return std::max(tiles, fewest) * points * g.output_channels * (g.channels + kSumOverhead) +
         tiles * (transform.input * g.channels + transform.output * g.output_channels);
}

// Beyond two rows of padding some outputs see nothing but padding and must be exactly the
// bias; Winograd's would carry the rounding errors of their neighbours in the tile.
bool HasNarrowPadding(const ConvolutionGeometry& g) {
  constexpr std::int64_t kWidest = 2;
  return g.pad_top <= kWidest && g.pad_left <= kWidest &&
         g.output_height + 2 - g.height - g.pad_top <= kWidest &&
         g.output_width + 2 - g.width - g.pad_left <= kWidest;
}

// Of a 3 x 3 convolution without stride.
ConvolutionAlgorithm Fastest(const ConvolutionGeometry& g) {
  const std::int64_t direct = DirectCost(g);
  const std::int64_t winograd2 = WinogradCost(g, 2, kTransform2);
  const std::int64_t winograd4 = WinogradCost(g, 4, kTransform4);
  if (winograd4 < winograd2 && winograd4 < direct) return ConvolutionAlgorithm::kWinograd4;
  if (winograd2 < direct) return ConvolutionAlgorithm::kWinograd2;
  return ConvolutionAlgorithm::kShiftedRows;
}

}  // namespace

ConvolutionAlgorithm ChooseAlgorithm(const ConvolutionGeometry& g) {
  if (UsesDepthwiseKernels(g)) return ConvolutionAlgorithm::kDepthwise;
  const bool has_stride = g.stride_height != 1 || g.stride_width != 1;
  if (g.groups > 1 || has_stride) return ConvolutionAlgorithm::kShiftedRows;
  if (g.kernel_height == 1 && g.kernel_width == 1 && g.pad_top == 0 && g.pad_left == 0 &&
      g.output_height == g.height && g.output_width == g.width) {
    return ConvolutionAlgorithm::kPlain;
  }
  if (g.kernel_height != 3 || g.kernel_width != 3 || g.dilation_height != 1 ||
      g.dilation_width != 1 || !HasNarrowPadding(g)) {
    return ConvolutionAlgorithm::kShiftedRows;
  }
  const ConvolutionAlgorithm fastest = Fastest(g);
  return IsWinograd(fastest) && !Takes(FastPath::kWinograd) ? ConvolutionAlgorithm::kShiftedRows
                                                            : fastest;
}

std::string_view Conv2dKernelName(const ConvolutionGeometry& geometry) {
  switch (ChooseAlgorithm(geometry)) {
    case ConvolutionAlgorithm::kDepthwise:
      return "depthwise";
    case ConvolutionAlgorithm::kPlain:
      return "one product";
    case ConvolutionAlgorithm::kShiftedRows:
      return "shifted rows";
    case ConvolutionAlgorithm::kWinograd2:
      return "Winograd F(2 x 2, 3 x 3)";
    case ConvolutionAlgorithm::kWinograd4:
      return "Winograd F(4 x 4, 3 x 3)";
  }
  return "";
}

WinogradConvolution ToWinograd(const ConvolutionGeometry& g, ConvolutionAlgorithm algorithm) {
  return {.tile = algorithm == ConvolutionAlgorithm::kWinograd2 ? 2 : 4,
          .channels = g.channels,
          .height = g.height,
          .width = g.width,
          .output_channels = g.output_channels,
          .output_height = g.output_height,
          .output_width = g.output_width,
          .pad_top = g.pad_top,
          .pad_left = g.pad_left};
}

ShiftedRows ToShiftedRows(const ConvolutionGeometry& g) {
  return {.height = g.height,
          .width = g.width,
          .channels = g.channels / g.groups,
          .pixel_stride = g.channels,
          .kernel_height = g.kernel_height,
          .kernel_width = g.kernel_width,
          .stride_height = g.stride_height,
          .stride_width = g.stride_width,
          .dilation_height = g.dilation_height,
          .dilation_width = g.dilation_width,
          .pad_top = g.pad_top,
          .pad_left = g.pad_left,
          .outputs = g.output_channels / g.groups,
          .output_height = g.output_height,
          .output_width = g.output_width,
          .output_row_stride = g.output_width * g.output_channels,
          .output_pixel_stride = g.output_channels};
}

ConvolutionGeometry GradientGeometry(const ConvolutionGeometry& g) {
  return {.channels = g.output_channels,
          .height = g.output_height,
          .width = g.output_width,
          .output_channels = g.channels,
          .output_height = g.height,
          .output_width = g.width,
          .kernel_height = g.kernel_height,
          .kernel_width = g.kernel_width,
          .stride_height = 1,
          .stride_width = 1,
          .dilation_height = g.dilation_height,
          .dilation_width = g.dilation_width,
          .pad_top = g.dilation_height * (g.kernel_height - 1) - g.pad_top,
          .pad_left = g.dilation_width * (g.kernel_width - 1) - g.pad_left,
          .groups = g.groups};
}

}  // namespace espalier
