// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise.h"

#include <algorithm>
#include <utility>

#include "kernels/dispatch.h"
#include "kernels/patches.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef ESPALIER_KERNELS_DEPTHWISE_ONCE
#define ESPALIER_KERNELS_DEPTHWISE_ONCE
namespace espalier {
namespace {

// Some kernel elements of one filter at all positions of one image.
struct FilterBlock {
  const ConvolutionGeometry* geometry;
  std::int64_t output_row_stride;  // floats between output rows in the padded copy
  const std::int64_t* offsets;     // of each element in the padded copy
  std::int64_t elements;
  std::int64_t weight_step;  // from one element's weight to the next: 1, or -1 for a flipped filter
};

}  // namespace
}  // namespace espalier
#endif  // ESPALIER_KERNELS_DEPTHWISE_ONCE

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

// Elements whose sums are in registers at once in Correlate: a 3 x 3 filter.
constexpr int kSums = 9;

// output = output (or the bias) + filter · patches
void Filter(const FilterBlock& block, const float* weights, const float* bias, const float* padded,
            float* output) {
  const D d;
  const std::int64_t width = block.geometry->output_width;
  const float* end = output + block.geometry->output_height * width;
  for (std::int64_t y = 0; y < block.geometry->output_height; ++y) {
    for (std::int64_t x = 0; x < width; x += kLanes) {
      const std::size_t count = static_cast<std::size_t>(std::min(kLanes, width - x));
      V sum = bias != nullptr ? hn::Set(d, *bias) : hn::LoadN(d, output + x, count);
      for (std::int64_t i = 0; i < block.elements; ++i) {
        sum = hn::MulAdd(hn::Set(d, weights[i * block.weight_step]),
                         hn::LoadU(d, padded + block.offsets[i] + x), sum);
      }
      // Where nothing is read back, the next row makes good what is stored too much; a
      // masked store costs several times as much.
      if (bias != nullptr && output + x + kLanes <= end) {
        hn::StoreU(sum, d, output + x);
      } else {
        hn::StoreN(sum, d, output + x, count);
      }
    }
    output += width;
    padded += block.output_row_stride;
  }
}

// padded += filter · grad. One element after the other, so that no store is read again
// before it is done. The neighbors of a row's end get zeros added.
void Spread(const FilterBlock& block, const float* weights, const float* grad, float* padded) {
  const D d;
  const std::int64_t width = block.geometry->output_width;
  for (std::int64_t i = 0; i < block.elements; ++i) {
    const V weight = hn::Set(d, weights[i]);
    const float* from = grad;
    float* to = padded + block.offsets[i];
    for (std::int64_t y = 0; y < block.geometry->output_height; ++y) {
      for (std::int64_t x = 0; x < width; x += kLanes) {
        const std::size_t count = static_cast<std::size_t>(std::min(kLanes, width - x));
        const V old = hn::LoadU(d, to + x);
        hn::StoreU(hn::MulAdd(weight, hn::LoadN(d, from + x, count), old), d, to + x);
      }
      from += width;
      to += block.output_row_stride;
    }
  }
}

// sums[i] (kLanes each) += sum over positions of grad · patch[i], lane by lane.
void Correlate(const FilterBlock& block, const float* padded, const float* grad, float* sums) {
  const D d;
  const std::int64_t width = block.geometry->output_width;
  std::int64_t first = 0;
  for (; first + kSums <= block.elements; first += kSums) {
    V registers[kSums];
    HWY_UNROLL(9)
    for (int i = 0; i < kSums; ++i) registers[i] = hn::LoadU(d, sums + (first + i) * kLanes);
    for (std::int64_t y = 0; y < block.geometry->output_height; ++y) {
      const float* row = padded + y * block.output_row_stride;
      for (std::int64_t x = 0; x < width; x += kLanes) {
        const std::size_t count = static_cast<std::size_t>(std::min(kLanes, width - x));
        const V g = hn::LoadN(d, grad + y * width + x, count);
        HWY_UNROLL(9)
        for (int i = 0; i < kSums; ++i) {
          const V patch = hn::LoadN(d, row + block.offsets[first + i] + x, count);
          registers[i] = hn::MulAdd(g, patch, registers[i]);
        }
      }
    }
    HWY_UNROLL(9)
    for (int i = 0; i < kSums; ++i) hn::StoreU(registers[i], d, sums + (first + i) * kLanes);
  }
  for (; first < block.elements; ++first) {
    V sum = hn::LoadU(d, sums + first * kLanes);
    for (std::int64_t y = 0; y < block.geometry->output_height; ++y) {
      const float* row = padded + y * block.output_row_stride + block.offsets[first];
      for (std::int64_t x = 0; x < width; x += kLanes) {
        const std::size_t count = static_cast<std::size_t>(std::min(kLanes, width - x));
        sum = hn::MulAdd(hn::LoadN(d, grad + y * width + x, count), hn::LoadN(d, row + x, count),
                         sum);
      }
    }
    hn::StoreU(sum, d, sums + first * kLanes);
  }
}

void SumLanes(const float* sums, std::int64_t count, float* result) {
  const D d;
  for (std::int64_t i = 0; i < count; ++i) {
    result[i] = hn::ReduceSum(d, hn::LoadU(d, sums + i * kLanes));
  }
}

std::int64_t Lanes() { return kLanes; }

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

// What the three functions share: sizes, and one block of kernel elements after the other.
struct Filters {
  explicit Filters(const ConvolutionGeometry& geometry_in)
      : geometry(geometry_in),
        padded_rows(geometry_in, 0, geometry_in.output_height * geometry_in.output_width),
        multiplier(geometry_in.output_channels / geometry_in.channels),
        area(geometry_in.kernel_height * geometry_in.kernel_width),
        image(geometry_in.height * geometry_in.width),
        positions(geometry_in.output_height * geometry_in.output_width) {
    FindOffsets(0, std::min(kMostPatchRows, area), first_offsets);
  }

  std::int64_t PaddedFloats() const { return padded_rows.channel_stride() + kPatchSlack; }

  // body(block, first element)
  template <typename Body>
  void ForEachBlock(Body body) const {
    std::int64_t later_offsets[kMostPatchRows];
    for (std::int64_t first = 0; first < area; first += kMostPatchRows) {
      const std::int64_t elements = std::min(kMostPatchRows, area - first);
      if (first > 0) FindOffsets(first, elements, later_offsets);
      body(FilterBlock{.geometry = &geometry,
                       .output_row_stride = geometry.stride_height * padded_rows.row_stride(),
                       .offsets = first > 0 ? later_offsets : first_offsets,
                       .elements = elements,
                       .weight_step = 1},
           first);
    }
  }

  void FindOffsets(std::int64_t first, std::int64_t elements, std::int64_t* offsets) const {
    FindPatchOffsets({&geometry, &padded_rows, first, elements, 0, positions}, offsets);
  }

  const ConvolutionGeometry& geometry;
  PaddedRows padded_rows;
  std::int64_t multiplier;
  std::int64_t area;
  std::int64_t image;
  std::int64_t positions;
  std::int64_t first_offsets[kMostPatchRows];  // all of them, for usual filters
};

// Without strides the input's gradient is a convolution of the output's with the filter
// turned round: about three times as fast as adding up what each output spreads.
bool IsTurnable(const ConvolutionGeometry& geometry) {
  return geometry.stride_height == 1 && geometry.stride_width == 1 &&
         (geometry.kernel_height - 1) * geometry.dilation_height >= geometry.pad_top &&
         (geometry.kernel_width - 1) * geometry.dilation_width >= geometry.pad_left;
}

ConvolutionGeometry Turned(const ConvolutionGeometry& geometry) {
  ConvolutionGeometry turned = geometry;
  std::swap(turned.height, turned.output_height);
  std::swap(turned.width, turned.output_width);
  turned.pad_top = (geometry.kernel_height - 1) * geometry.dilation_height - geometry.pad_top;
  turned.pad_left = (geometry.kernel_width - 1) * geometry.dilation_width - geometry.pad_left;
  return turned;
}

// Channels of one example in one task: about 50 µs of work.
std::int64_t ChannelsPerTask(const Filters& filters) {
  constexpr std::int64_t kTaskProducts = 1 << 20;
  return std::clamp<std::int64_t>(
      kTaskProducts / std::max<std::int64_t>(1, filters.area * filters.positions), 1,
      filters.geometry.channels);
}

// grad_input of one channel.
void SpreadChannel(const Filters& filters, const float* grad, const float* weights, float* padded,
                   float* grad_input) {
  const auto spread = ESPALIER_KERNEL(Spread);
  std::fill_n(padded, filters.padded_rows.channel_stride(), 0.0f);
  for (std::int64_t m = 0; m < filters.multiplier; ++m) {
    filters.ForEachBlock([&](const FilterBlock& block, std::int64_t first) {
      spread(block, weights + m * filters.area + first, grad + m * filters.positions, padded);
    });
  }
  UnpadChannels(filters.geometry, filters.padded_rows, padded, 1, grad_input);
}

// The same; `filters` are those of the turned geometry.
void FilterChannel(const Filters& filters, const float* grad, const float* weights, float* padded,
                   float* grad_input) {
  const auto filter = ESPALIER_KERNEL(Filter);
  const float zero = 0.0f;
  for (std::int64_t m = 0; m < filters.multiplier; ++m) {
    PadChannels(filters.geometry, filters.padded_rows, grad + m * filters.image, 1, padded);
    const float* last_weight = weights + (m + 1) * filters.area - 1;
    filters.ForEachBlock([&](FilterBlock block, std::int64_t first) {
      block.weight_step = -1;
      filter(block, last_weight - first, m == 0 && first == 0 ? &zero : nullptr, padded,
             grad_input);
    });
  }
}

}  // namespace

std::int64_t DepthwiseScratchFloats(const ConvolutionGeometry& geometry) {
  const Filters filters(geometry);
  const std::int64_t floats = filters.PaddedFloats() + filters.area * ESPALIER_KERNEL(Lanes)();
  if (!IsTurnable(geometry)) return floats;
  const ConvolutionGeometry turned = Turned(geometry);
  return std::max(floats, Filters(turned).PaddedFloats());
}

void DepthwiseForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                      const float* weights, const Epilogue& epilogue, float* output,
                      Workspace& workspace) {
  const Filters filters(geometry);
  const auto filter = ESPALIER_KERNEL(Filter);
  const std::int64_t per_task = ChannelsPerTask(filters);
  const std::int64_t blocks = (geometry.channels + per_task - 1) / per_task;
  const float zero = 0.0f;
  workspace.ParallelFor(batch * blocks, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t e = task / blocks;
    const std::int64_t begin = task % blocks * per_task;
    const std::int64_t end = std::min(geometry.channels, begin + per_task);
    for (std::int64_t channel = begin; channel < end; ++channel) {
      PadChannels(geometry, filters.padded_rows,
                  input + (e * geometry.channels + channel) * filters.image, 1, scratch.data());
      for (std::int64_t m = 0; m < filters.multiplier; ++m) {
        const std::int64_t out = channel * filters.multiplier + m;
        float* plane = output + (e * geometry.output_channels + out) * filters.positions;
        const float* bias = epilogue.row_bias != nullptr ? epilogue.row_bias + out : &zero;
        filters.ForEachBlock([&](const FilterBlock& block, std::int64_t first) {
          filter(block, weights + out * filters.area + first, first == 0 ? bias : nullptr,
                 scratch.data(), plane);
        });
        ActivationForward(epilogue.activation, epilogue.slope, plane, filters.positions, plane);
      }
    }
  });
}

void DepthwiseBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                            const float* grad_output, const float* weights, float* grad_input,
                            Workspace& workspace) {
  const bool is_turnable = IsTurnable(geometry);
  const ConvolutionGeometry used = is_turnable ? Turned(geometry) : geometry;
  const Filters filters(used);
  const std::int64_t image = geometry.height * geometry.width;
  const std::int64_t positions = geometry.output_height * geometry.output_width;
  const std::int64_t per_task = ChannelsPerTask(filters);
  const std::int64_t blocks = (geometry.channels + per_task - 1) / per_task;
  workspace.ParallelFor(batch * blocks, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t e = task / blocks;
    const std::int64_t begin = task % blocks * per_task;
    const std::int64_t end = std::min(geometry.channels, begin + per_task);
    for (std::int64_t channel = begin; channel < end; ++channel) {
      const std::int64_t out = channel * filters.multiplier;
      const auto backward = is_turnable ? FilterChannel : SpreadChannel;
      backward(filters, grad_output + (e * geometry.output_channels + out) * positions,
               weights + out * filters.area, scratch.data(),
               grad_input + (e * geometry.channels + channel) * image);
    }
  });
}

void DepthwiseBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                              const float* input, const float* grad_output, float* grad_weights,
                              Workspace& workspace) {
  const Filters filters(geometry);
  const auto correlate = ESPALIER_KERNEL(Correlate);
  const auto sum_lanes = ESPALIER_KERNEL(SumLanes);
  const std::int64_t lanes = ESPALIER_KERNEL(Lanes)();
  workspace.ParallelFor(geometry.output_channels, [&](std::int64_t out, std::span<float> scratch) {
    const std::int64_t channel = out / filters.multiplier;
    float* padded = scratch.data();
    float* sums = padded + filters.PaddedFloats();
    std::fill_n(sums, filters.area * lanes, 0.0f);
    for (std::int64_t e = 0; e < batch; ++e) {
      PadChannels(geometry, filters.padded_rows,
                  input + (e * geometry.channels + channel) * filters.image, 1, padded);
      const float* grad = grad_output + (e * geometry.output_channels + out) * filters.positions;
      filters.ForEachBlock([&](const FilterBlock& block, std::int64_t first) {
        correlate(block, padded, grad, sums + first * lanes);
      });
    }
    sum_lanes(sums, filters.area, grad_weights + out * filters.area);
  });
}

}  // namespace espalier
#endif  // HWY_ONCE
