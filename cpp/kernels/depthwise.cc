// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise.h"

#include <algorithm>

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
  for (std::int64_t y = 0; y < block.geometry->output_height; ++y) {
    for (std::int64_t x = 0; x < width; x += kLanes) {
      const std::size_t count = static_cast<std::size_t>(std::min(kLanes, width - x));
      V sum = bias != nullptr ? hn::Set(d, *bias) : hn::LoadN(d, output + x, count);
      for (std::int64_t i = 0; i < block.elements; ++i) {
        sum = hn::MulAdd(hn::Set(d, weights[i]), hn::LoadU(d, padded + block.offsets[i] + x), sum);
      }
      hn::StoreN(sum, d, output + x, count);
    }
    output += width;
    padded += block.output_row_stride;
  }
}

// padded += filter · grad. One element after the other, so that no store is read again
// before it is done.
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
        const V old = hn::LoadN(d, to + x, count);
        hn::StoreN(hn::MulAdd(weight, hn::LoadN(d, from + x, count), old), d, to + x, count);
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
        positions(geometry_in.output_height * geometry_in.output_width) {}

  std::int64_t PaddedFloats() const { return padded_rows.channel_stride() + kPatchSlack; }

  // body(block, first element)
  template <typename Body>
  void ForEachBlock(Body body) const {
    std::int64_t offsets[kMostPatchRows];
    for (std::int64_t first = 0; first < area; first += kMostPatchRows) {
      const std::int64_t elements = std::min(kMostPatchRows, area - first);
      FindPatchOffsets({&geometry, &padded_rows, first, elements, 0, positions}, offsets);
      body(FilterBlock{&geometry, geometry.stride_height * padded_rows.row_stride(), offsets,
                       elements},
           first);
    }
  }

  const ConvolutionGeometry& geometry;
  PaddedRows padded_rows;
  std::int64_t multiplier;
  std::int64_t area;
  std::int64_t image;
  std::int64_t positions;
};

// Channels of one example in one task: about 50 µs of work.
std::int64_t ChannelsPerTask(const Filters& filters) {
  constexpr std::int64_t kTaskProducts = 1 << 20;
  return std::clamp<std::int64_t>(
      kTaskProducts / std::max<std::int64_t>(1, filters.area * filters.positions), 1,
      filters.geometry.channels);
}

}  // namespace

std::int64_t DepthwiseScratchFloats(const ConvolutionGeometry& geometry) {
  const Filters filters(geometry);
  return filters.PaddedFloats() + filters.area * ESPALIER_KERNEL(Lanes)();
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
  const Filters filters(geometry);
  const auto spread = ESPALIER_KERNEL(Spread);
  const std::int64_t per_task = ChannelsPerTask(filters);
  const std::int64_t blocks = (geometry.channels + per_task - 1) / per_task;
  workspace.ParallelFor(batch * blocks, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t e = task / blocks;
    const std::int64_t begin = task % blocks * per_task;
    const std::int64_t end = std::min(geometry.channels, begin + per_task);
    for (std::int64_t channel = begin; channel < end; ++channel) {
      std::fill_n(scratch.data(), filters.padded_rows.channel_stride(), 0.0f);
      for (std::int64_t m = 0; m < filters.multiplier; ++m) {
        const std::int64_t out = channel * filters.multiplier + m;
        const float* grad = grad_output + (e * geometry.output_channels + out) * filters.positions;
        filters.ForEachBlock([&](const FilterBlock& block, std::int64_t first) {
          spread(block, weights + out * filters.area + first, grad, scratch.data());
        });
      }
      UnpadChannels(geometry, filters.padded_rows, scratch.data(), 1,
                    grad_input + (e * geometry.channels + channel) * filters.image);
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
