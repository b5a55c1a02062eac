// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/small_images.h"

#include <algorithm>
#include <cstring>

#include "core/fast_paths.h"
#include "kernels/convolution/conv2d_algorithm.h"
#include "kernels/convolution/conv2d_weights.h"
#include "kernels/convolution/patches.h"
#include "kernels/matmul/matmul_block.h"
#include "kernels/matmul/outer_product.h"
#include "kernels/rounding.h"

namespace espalier {
namespace {

// Limits of a worker's scratch: 2 MiB of packed weights, 350 KB of gradients.
constexpr std::int64_t kMostDepth = 1 << 14;
constexpr std::int64_t kMostElements = 49;

// Gradients of a task: two register tiles of outputs, two cache lines of channels.
constexpr std::int64_t kGradientOutputs = 28;
constexpr std::int64_t kGradientChannels = 64;

std::int64_t Positions(const ConvolutionGeometry& g) { return g.output_height * g.output_width; }
std::int64_t Pixels(const ConvolutionGeometry& g) { return g.height * g.width; }
std::int64_t Elements(const ConvolutionGeometry& g) { return g.kernel_height * g.kernel_width; }

// An odd number of cache lines: what a tile reads shares no cache set, and is read where it lies.
std::int64_t RowStride(std::int64_t channels) { return (Ceiling(channels, 16) | 1) * 16; }

// Along one axis, the outputs that meet a kernel element on the image, and what the first meets.
struct Meeting {
  Meeting(std::int64_t element, std::int64_t stride, std::int64_t dilation, std::int64_t pad,
          std::int64_t outputs, std::int64_t size) {
    const std::int64_t offset = element * dilation - pad;
    begin = offset < 0 ? Ceiling(-offset, stride) : 0;
    const std::int64_t end = offset < size ? (size - 1 - offset) / stride + 1 : 0;
    count = std::max<std::int64_t>(0, std::min(outputs, end) - begin);
    input = begin * stride + offset;
  }
  std::int64_t begin, count, input;
};

struct Element {
  Element(const ConvolutionGeometry& g, std::int64_t element)
      : y(element / g.kernel_width, g.stride_height, g.dilation_height, g.pad_top, g.output_height,
          g.height),
        x(element % g.kernel_width, g.stride_width, g.dilation_width, g.pad_left, g.output_width,
          g.width) {}

  // visit(position, pixel) for the pairs that meet.
  template <typename Visit>
  void ForPairs(const ConvolutionGeometry& g, Visit visit) const {
    for (std::int64_t i = 0; i < y.count; ++i) {
      for (std::int64_t j = 0; j < x.count; ++j) {
        visit((y.begin + i) * g.output_width + x.begin + j,
              (y.input + i * g.stride_height) * g.width + x.input + j * g.stride_width);
      }
    }
  }

  Meeting y, x;
};

// [batch, places, channels] as [places, batch, RowStride(channels)].
void CopyByPlace(std::int64_t batch, std::int64_t places, std::int64_t channels, const float* from,
                 float* to, Workspace& workspace) {
  workspace.ParallelFor(batch, [&](std::int64_t i, std::span<float>) {
    for (std::int64_t place = 0; place < places; ++place) {
      std::memcpy(to + (place * batch + i) * RowStride(channels),
                  from + (i * places + place) * channels,
                  static_cast<std::size_t>(channels) * sizeof(float));
    }
  });
}

// One of the passes over a batch: rows of `inner` channels at the places of one image meet packed
// weights and are added to rows of `outer` channels at those of another.
struct PlaceProducts {
  std::int64_t batch;
  const float* inputs;  // by place
  std::int64_t inner;
  float* outputs;  // [batch, output_places, outer]
  std::int64_t output_places;
  std::int64_t outer;
  const float* bias;  // [outer], which the sums begin with, or null
  WeightMatrix weights;
};

// For a panel of output channels: pair(element, visit(input place, output place)).
template <typename Pairs>
void AddProducts(const ConvolutionGeometry& g, const PlaceProducts& p, std::int64_t first,
                 float* scratch, Pairs pairs) {
  const TileShape tile = ActiveTileShape();
  const std::int64_t count = std::min(tile.columns, p.outer - first);
  const std::int64_t width = RoundUp(count, tile.lanes);
  PackKernelPanel(WholeKernel(g.kernel_height, g.kernel_width), p.weights, first, scratch);
  for (std::int64_t row = 0; row < p.batch * p.output_places; ++row) {
    float* const to = p.outputs + row * p.outer + first;
    if (p.bias != nullptr) {
      std::copy_n(p.bias + first, count, to);
    } else {
      std::fill_n(to, count, 0.0f);
    }
  }
  const std::int64_t stride = RowStride(p.inner);
  for (std::int64_t t = 0; t < Elements(g); ++t) {
    pairs(Element(g, t), [&](std::int64_t input_place, std::int64_t output_place) {
      MatmulPacked({.data = p.inputs + input_place * p.batch * stride,
                    .rows = p.batch,
                    .columns = p.inner,
                    .row_stride = stride,
                    .column_stride = 1},
                   scratch + t * p.inner * width, count, p.outputs + output_place * p.outer + first,
                   p.output_places * p.outer, {.accumulate = true}, nullptr);
    });
  }
}

}  // namespace

bool HasSmallImages(const ConvolutionGeometry& g) {
  return g.groups == 1 && ChooseAlgorithm(g) == ConvolutionAlgorithm::kShiftedRows &&
         TakesPatches(ToShiftedRows(g)) && Elements(g) <= kMostElements &&
         Elements(g) * std::max(g.channels, g.output_channels) <= kMostDepth &&
         Takes(FastPath::kSmallImages);
}

std::int64_t SmallImagesFloats(const ConvolutionGeometry& g, std::int64_t batch) {
  return batch * (Pixels(g) * RowStride(g.channels) + Positions(g) * RowStride(g.output_channels));
}

std::int64_t SmallImagesScratchFloats(const ConvolutionGeometry& g) {
  return Elements(g) * std::max(std::max(g.channels, g.output_channels) * ActiveTileShape().columns,
                                kGradientOutputs * kGradientChannels);
}

void SmallImagesForward(const ConvolutionGeometry& g, std::int64_t batch, const float* input,
                        const float* weights, const Epilogue& epilogue, float* output,
                        float* buffer, Workspace& workspace) {
  CopyByPlace(batch, Pixels(g), g.channels, input, buffer, workspace);
  const PlaceProducts products = {.batch = batch,
                                  .inputs = buffer,
                                  .inner = g.channels,
                                  .outputs = output,
                                  .output_places = Positions(g),
                                  .outer = g.output_channels,
                                  .bias = epilogue.column_bias,
                                  .weights = {.data = weights,
                                              .k = g.channels,
                                              .n = g.output_channels,
                                              .k_stride = Elements(g),
                                              .n_stride = g.channels * Elements(g)}};
  const std::int64_t panel = ActiveTileShape().columns;
  workspace.ParallelFor(
      Ceiling(g.output_channels, panel), [&](std::int64_t task, std::span<float> scratch) {
        const std::int64_t first = task * panel;
        AddProducts(g, products, first, scratch.data(), [&](const Element& element, auto visit) {
          element.ForPairs(
              g, [&](std::int64_t position, std::int64_t pixel) { visit(pixel, position); });
        });
        ActivateRows(epilogue.activation, epilogue.slope, batch * Positions(g),
                     std::min(panel, g.output_channels - first), output + first, g.output_channels);
      });
}

void SmallImagesBackwardInput(const ConvolutionGeometry& g, std::int64_t batch,
                              const float* grad_output, const float* weights, float* grad_input,
                              float* buffer, Workspace& workspace) {
  CopyByPlace(batch, Positions(g), g.output_channels, grad_output, buffer, workspace);
  const PlaceProducts products = {.batch = batch,
                                  .inputs = buffer,
                                  .inner = g.output_channels,
                                  .outputs = grad_input,
                                  .output_places = Pixels(g),
                                  .outer = g.channels,
                                  .bias = nullptr,
                                  .weights = {.data = weights,
                                              .k = g.output_channels,
                                              .n = g.channels,
                                              .k_stride = g.channels * Elements(g),
                                              .n_stride = Elements(g)}};
  const std::int64_t panel = ActiveTileShape().columns;
  workspace.ParallelFor(
      Ceiling(g.channels, panel), [&](std::int64_t task, std::span<float> scratch) {
        AddProducts(g, products, task * panel, scratch.data(),
                    [&](const Element& element, auto visit) { element.ForPairs(g, visit); });
      });
}

void SmallImagesBackwardWeights(const ConvolutionGeometry& g, std::int64_t batch,
                                const float* input, const float* grad_output, float* grad_weights,
                                float* buffer, Workspace& workspace) {
  float* const inputs = buffer;
  float* const grads = buffer + batch * Pixels(g) * RowStride(g.channels);
  CopyByPlace(batch, Pixels(g), g.channels, input, inputs, workspace);
  CopyByPlace(batch, Positions(g), g.output_channels, grad_output, grads, workspace);
  const std::int64_t grad_stride = RowStride(g.output_channels);
  const std::int64_t stride = RowStride(g.channels);
  const std::int64_t parts = Ceiling(g.channels, kGradientChannels);
  const std::int64_t elements = Elements(g);
  const auto sum_part = [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t o = task / parts * kGradientOutputs;
    const std::int64_t c = task % parts * kGradientChannels;
    const std::int64_t outputs = std::min(kGradientOutputs, g.output_channels - o);
    const std::int64_t channels = std::min(kGradientChannels, g.channels - c);
    for (std::int64_t t = 0; t < elements; ++t) {
      const Element element(g, t);
      const std::int64_t position = element.y.begin * g.output_width + element.x.begin;
      const std::int64_t pixel = element.y.input * g.width + element.x.input;
      const bool meets = element.y.count > 0 && element.x.count > 0;
      SumOuterProducts({.a = grads + (meets ? position * batch * grad_stride : 0) + o,
                        .a_stride = grad_stride,
                        .a_segment_stride = batch * grad_stride,
                        .b = inputs + (meets ? pixel * batch * stride : 0) + c,
                        .b_stride = stride,
                        .b_segment_stride = g.stride_width * batch * stride,
                        .segments = std::max<std::int64_t>(1, element.x.count),
                        .depth = batch,
                        .rows = outputs,
                        .columns = channels,
                        .c = scratch.data() + t * outputs * channels,
                        .c_stride = channels,
                        .accumulates = false,
                        .groups = meets ? element.y.count : 0,
                        .a_group_stride = g.output_width * batch * grad_stride,
                        .b_group_stride = g.stride_height * g.width * batch * stride});
    }
    for (std::int64_t i = 0; i < outputs; ++i) {
      float* to = grad_weights + ((o + i) * g.channels + c) * elements;
      for (std::int64_t j = 0; j < channels; ++j) {
        for (std::int64_t t = 0; t < elements; ++t) {
          *to++ = scratch[static_cast<std::size_t>((t * outputs + i) * channels + j)];
        }
      }
    }
  };
  workspace.ParallelFor(Ceiling(g.output_channels, kGradientOutputs) * parts, sum_part);
}

}  // namespace espalier
