// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution/depthwise.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "kernels/convolution/depthwise_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convolution/depthwise.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/elementwise/activation-inl.h"
#include "kernels/vectors/partial-inl.h"

#ifndef ESPALIER_KERNELS_DEPTHWISE_ONCE
#define ESPALIER_KERNELS_DEPTHWISE_ONCE
namespace espalier {
namespace {

// Kernel elements along one axis, and the positions that they meet: both in even steps.
struct Taps {
  std::int64_t count = 0;
  std::int64_t tap = 0, tap_step = 0;
  std::int64_t position = 0, position_step = 0;

  // Those whose positions, moved by `shift`, lie in [0, size). Positions rise.
  Taps On(std::int64_t shift, std::int64_t size) const {
    const std::int64_t first = position + shift;
    const std::int64_t begin =
        first >= 0 ? 0 : std::min(count, (-first + position_step - 1) / position_step);
    const std::int64_t end =
        first >= size ? begin : std::min(count, (size - 1 - first) / position_step + 1);
    return {std::max<std::int64_t>(0, end - begin), tap + begin * tap_step, tap_step,
            position + begin * position_step, position_step};
  }
};

// One row of sums of products: y[t · y_step] = bias + sum over taps of weight · x[position of
// the tap + t · x_step], a vector of channels each.
struct SumsRow {
  const float* x;        // [rows, width, channels]
  const float* weights;  // [kernel elements, channels]
  const float* bias;     // [channels], or null
  std::int64_t channels;
  std::int64_t width;
  std::int64_t kernel_width;
  Taps rows, columns;  // rows lie on x
  std::int64_t x_step, y_step;
  std::int64_t count;     // of sums
  Activation activation;  // none, relu or relu6
};

// Products of a row of gradients with the row of x that each of `rows` taps meets.
struct ProductsRow {
  const float* x;     // [rows, width, channels]
  const float* grad;  // [count, channels]
  std::int64_t channels;
  std::int64_t width;
  std::int64_t kernel_width;
  Taps rows, columns;
  std::int64_t x_step;
  std::int64_t count;
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

constexpr int kTile = 4;  // sums side by side, which hide the latency of multiply-adds

// kTile or one sums from t on, of channels [c, c + count). kTaps: column taps side by side with
// x_step kStep, so that sums share what they load; 0: any.
template <int kSums, int kTaps, int kStep>
HWY_INLINE void SumTile(const SumsRow& row, const Taps& columns, std::int64_t t, std::int64_t c,
                        std::size_t count, float* y) {
  const D d;
  const std::int64_t step = (kTaps != 0 ? kStep : row.x_step) * row.channels;
  const std::int64_t taps = kTaps != 0 ? kTaps : columns.count;
  const std::int64_t apart = kTaps != 0 ? row.channels : columns.position_step * row.channels;
  const V start = row.bias == nullptr ? hn::Zero(d) : LoadFirst(d, row.bias + c, count);
  V sums[kSums];
  HWY_UNROLL(4)
  for (int i = 0; i < kSums; ++i) sums[i] = start;
  for (std::int64_t r = 0; r < row.rows.count; ++r) {
    const float* x = row.x + c +
                     ((row.rows.position + r * row.rows.position_step) * row.width +
                      columns.position + t * row.x_step) *
                         row.channels;
    const float* weights =
        row.weights + c +
        ((row.rows.tap + r * row.rows.tap_step) * row.kernel_width + columns.tap) * row.channels;
    HWY_UNROLL(3)
    for (std::int64_t k = 0; k < taps; ++k) {
      const V weight = LoadFirst(d, weights + k * columns.tap_step * row.channels, count);
      HWY_UNROLL(4)
      for (int i = 0; i < kSums; ++i) {
        sums[i] = hn::MulAdd(weight, LoadFirst(d, x + k * apart + i * step, count), sums[i]);
      }
    }
  }
  HWY_UNROLL(4)
  for (int i = 0; i < kSums; ++i) {
    V sum = sums[i];
    if (row.activation == Activation::kRelu) {
      sum = ActivateAs<Activation::kRelu>(d, sum, sum);
    } else if (row.activation == Activation::kRelu6) {
      sum = ActivateAs<Activation::kRelu6>(d, sum, sum);
    }
    StoreFirst(sum, d, y + (t + i) * row.y_step * row.channels + c, count);
  }
}

template <int kSums, int kTaps, int kStep>
HWY_INLINE void SumChannels(const SumsRow& row, const Taps& columns, std::int64_t t, float* y) {
  const std::size_t lanes = hn::Lanes(D());
  const std::size_t channels = static_cast<std::size_t>(row.channels);
  std::size_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    SumTile<kSums, kTaps, kStep>(row, columns, t, static_cast<std::int64_t>(c), lanes, y);
  }
  if (c < channels) {
    SumTile<kSums, kTaps, kStep>(row, columns, t, static_cast<std::int64_t>(c), channels - c, y);
  }
}

template <int kTaps, int kStep>
HWY_INLINE void SumInner(const SumsRow& row, std::int64_t begin, std::int64_t end, float* y) {
  std::int64_t t = begin;
  for (; t + kTile <= end; t += kTile) SumChannels<kTile, kTaps, kStep>(row, row.columns, t, y);
  for (; t < end; ++t) SumChannels<1, kTaps, kStep>(row, row.columns, t, y);
}

void SumsOfRow(const SumsRow& row, float* y) {
  // Sums [begin, end) have all their column taps on the image.
  const Taps& columns = row.columns;
  const std::int64_t last_position = columns.position + (columns.count - 1) * columns.position_step;
  const std::int64_t room = row.width - 1 - last_position;
  const std::int64_t end = room < 0 ? 0 : std::min(row.count, room / row.x_step + 1);
  const std::int64_t begin =
      std::min(end, columns.position >= 0 ? 0 : (-columns.position + row.x_step - 1) / row.x_step);
  const auto at_edge = [&](std::int64_t t) HWY_ATTR {
    SumChannels<1, 0, 0>(row, columns.On(t * row.x_step, row.width), t, y);
  };
  for (std::int64_t t = 0; t < begin; ++t) at_edge(t);
  const bool are_three = columns.count == 3 && columns.position_step == 1;
  if (are_three && row.x_step == 1) {
    SumInner<3, 1>(row, begin, end, y);
  } else if (are_three && row.x_step == 2) {
    SumInner<3, 2>(row, begin, end, y);
  } else {
    SumInner<0, 0>(row, begin, end, y);
  }
  for (std::int64_t t = end; t < row.count; ++t) at_edge(t);
}

// The gradients whose partner under column tap k lies on the image.
HWY_INLINE void FindPartners(const ProductsRow& row, std::int64_t k, std::int64_t& begin,
                             std::int64_t& end) {
  const std::int64_t position = row.columns.position + k * row.columns.position_step;
  const std::int64_t room = row.width - 1 - position;
  end = room < 0 ? 0 : std::min(row.count, room / row.x_step + 1);
  begin = std::min(end, position >= 0 ? 0 : (-position + row.x_step - 1) / row.x_step);
}

// sums += products for kRows × kColumns taps from (r, k) on, of channels [c, c + count).
template <int kRows, int kColumns>
HWY_INLINE void AddProducts(const ProductsRow& row, std::int64_t r, std::int64_t k, std::int64_t c,
                            std::size_t count, float* sums) {
  const D d;
  std::int64_t begins[kColumns], ends[kColumns];
  std::int64_t begin = 0, end = row.count;  // of gradients that have partners under all taps
  for (int j = 0; j < kColumns; ++j) {
    FindPartners(row, k + j, begins[j], ends[j]);
    begin = std::max(begin, begins[j]);
    end = std::min(end, ends[j]);
  }
  end = std::max(begin, end);
  const float* x[kRows];
  for (int i = 0; i < kRows; ++i) {
    x[i] = row.x + c +
           ((row.rows.position + (r + i) * row.rows.position_step) * row.width +
            row.columns.position + k * row.columns.position_step) *
               row.channels;
  }
  const std::int64_t step = row.x_step * row.channels;
  const std::int64_t apart = row.columns.position_step * row.channels;
  const float* grad = row.grad + c;
  V products[kRows][kColumns];
  HWY_UNROLL(3)
  for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(3)
    for (int j = 0; j < kColumns; ++j) {
      V sum = hn::Zero(d);
      const auto add = [&](std::int64_t from, std::int64_t to) HWY_ATTR {
        for (std::int64_t t = from; t < to; ++t) {
          sum = hn::MulAdd(LoadFirst(d, grad + t * row.channels, count),
                           LoadFirst(d, x[i] + t * step + j * apart, count), sum);
        }
      };
      add(begins[j], std::min(ends[j], begin));
      add(std::max(begins[j], end), ends[j]);
      products[i][j] = sum;
    }
  }
  for (std::int64_t t = begin; t < end; ++t) {
    const V g = LoadFirst(d, grad + t * row.channels, count);
    HWY_UNROLL(3)
    for (int i = 0; i < kRows; ++i) {
      HWY_UNROLL(3)
      for (int j = 0; j < kColumns; ++j) {
        products[i][j] =
            hn::MulAdd(g, LoadFirst(d, x[i] + t * step + j * apart, count), products[i][j]);
      }
    }
  }
  HWY_UNROLL(3)
  for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(3)
    for (int j = 0; j < kColumns; ++j) {
      float* place = sums + ((row.rows.tap + r + i) * row.kernel_width + k + j) * row.channels + c;
      StoreFirst(hn::Add(LoadFirst(d, place, count), products[i][j]), d, place, count);
    }
  }
}

template <int kRows>
HWY_INLINE void AddRowProducts(const ProductsRow& row, std::int64_t r, std::int64_t c,
                               std::size_t count, float* sums) {
  std::int64_t k = 0;
  for (; k + 3 <= row.columns.count; k += 3) AddProducts<kRows, 3>(row, r, k, c, count, sums);
  for (; k < row.columns.count; ++k) AddProducts<kRows, 1>(row, r, k, c, count, sums);
}

HWY_INLINE void AddVectorProducts(const ProductsRow& row, std::int64_t c, std::size_t count,
                                  float* sums, float* grad_sums) {
  const D d;
  std::int64_t r = 0;
  for (; r + 3 <= row.rows.count; r += 3) AddRowProducts<3>(row, r, c, count, sums);
  for (; r < row.rows.count; ++r) AddRowProducts<1>(row, r, c, count, sums);
  V sum = hn::Zero(d);
  for (std::int64_t t = 0; t < row.count; ++t) {
    sum = hn::Add(sum, LoadFirst(d, row.grad + t * row.channels + c, count));
  }
  StoreFirst(hn::Add(LoadFirst(d, grad_sums + c, count), sum), d, grad_sums + c, count);
}

// sums [kernel elements, channels] += products; grad_sums [channels] += gradients.
void ProductsOfRow(const ProductsRow& row, float* sums, float* grad_sums) {
  const std::size_t lanes = hn::Lanes(D());
  const std::size_t channels = static_cast<std::size_t>(row.channels);
  std::size_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    AddVectorProducts(row, static_cast<std::int64_t>(c), lanes, sums, grad_sums);
  }
  if (c < channels) {
    AddVectorProducts(row, static_cast<std::int64_t>(c), channels - c, sums, grad_sums);
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

// Multiply-adds that one task should have: some µs of work.
constexpr std::int64_t kTaskProducts = 131072;

// Few, as rows share what they read; some, as workers may come late.
constexpr std::int64_t kTasksOfAWorker = 4;

// Chunks of rows whose weight gradients are summed apart: enough for many workers, few enough
// to add up quickly.
constexpr std::int64_t kMostChunks = 64;

std::int64_t KernelArea(const ConvolutionGeometry& g) { return g.kernel_height * g.kernel_width; }

std::int64_t Multiplier(const ConvolutionGeometry& g) { return g.output_channels / g.channels; }

// Kernel elements that an output meets along one axis, with `begin` the place of the first.
Taps ForwardTaps(std::int64_t kernel, std::int64_t dilation, std::int64_t begin) {
  return {kernel, 0, 1, begin, dilation};
}

// Kernel elements that an input meets along one axis, and the outputs that it meets them at:
// output · stride = input + pad - tap · dilation. Outputs rise.
Taps BackwardTaps(std::int64_t kernel, std::int64_t dilation, std::int64_t stride,
                  std::int64_t padded_input) {
  const std::int64_t tap_step = stride / std::gcd(stride, dilation);
  std::int64_t first = 0;
  while (first < std::min(kernel, tap_step) && (padded_input - first * dilation) % stride != 0) {
    ++first;
  }
  if (first >= std::min(kernel, tap_step)) return {0, 0, 0, 0, 1};
  const std::int64_t count = (kernel - 1 - first) / tap_step + 1;
  const std::int64_t last = first + (count - 1) * tap_step;
  return {count, last, -tap_step, (padded_input - last * dilation) / stride,
          dilation * tap_step / stride};
}

// Kernel rows that an output row meets on the image.
Taps TapsOfRow(const ConvolutionGeometry& g, std::int64_t row) {
  return ForwardTaps(g.kernel_height, g.dilation_height, row * g.stride_height - g.pad_top)
      .On(0, g.height);
}

// True if SumDepthwiseRows serves.
bool HasThreeColumns(const ConvolutionGeometry& g) {
  return g.kernel_width == 3 && g.dilation_width == 1 && g.stride_width <= 2 &&
         g.kernel_height <= 3 && Multiplier(g) == 1;
}

// Each channel `multiplier` times: the input as the filters of all output channels see it.
void Repeat(const float* from, std::int64_t count, std::int64_t multiplier, float* to) {
  for (std::int64_t i = 0; i < count; ++i) to = std::fill_n(to, multiplier, from[i]);
}

// The rows of an image that `taps` meet as the filters see them: where they are, or, if there
// is a multiplier, repeated in `scratch`. Moves the taps to the rows' places.
const float* SeenRows(const ConvolutionGeometry& g, const float* image, Taps& taps,
                      float* scratch) {
  if (Multiplier(g) == 1) return image;
  const std::int64_t row_floats = g.width * g.channels;
  for (std::int64_t r = 0; r < taps.count; ++r) {
    Repeat(image + (taps.position + r * taps.position_step) * row_floats, row_floats, Multiplier(g),
           scratch + r * g.width * g.output_channels);
  }
  taps.position = 0;
  taps.position_step = 1;
  return scratch;
}

struct Runs {
  Runs(std::int64_t rows_in, std::int64_t run_in)
      : rows(rows_in), run(run_in), count((rows_in + run_in - 1) / run_in) {}
  std::int64_t Begin(std::int64_t i) const { return std::min(rows, i * run); }
  std::int64_t rows, run, count;
};

// Runs of output or input rows of the whole batch for one task each.
Runs TaskRuns(const ConvolutionGeometry& g, std::int64_t rows, std::int64_t width) {
  const std::int64_t row_products =
      std::max<std::int64_t>(1, width * g.output_channels * KernelArea(g));
  return Runs(rows, std::max<std::int64_t>(1, kTaskProducts / row_products));
}

Runs ChunkRuns(const ConvolutionGeometry& g, std::int64_t batch) {
  const std::int64_t rows = batch * g.output_height;
  const std::int64_t tasks = TaskRuns(g, rows, g.output_width).count;
  const std::int64_t chunks = std::clamp<std::int64_t>(tasks, 1, kMostChunks);
  return Runs(rows, std::max<std::int64_t>(1, (rows + chunks - 1) / chunks));
}

}  // namespace

std::int64_t DepthwiseScratchFloats(const ConvolutionGeometry& geometry) {
  if (Multiplier(geometry) == 1) return 0;
  return std::min(geometry.kernel_height, geometry.height) * geometry.width *
         geometry.output_channels;
}

std::int64_t DepthwisePackedFloats(const ConvolutionGeometry& geometry) {
  return KernelArea(geometry) * geometry.output_channels;
}

void DepthwisePackWeights(const ConvolutionGeometry& geometry, const float* weights,
                          float* packed) {
  const std::int64_t area = KernelArea(geometry);
  for (std::int64_t k = 0; k < area; ++k) {
    for (std::int64_t c = 0; c < geometry.output_channels; ++c) *packed++ = weights[c * area + k];
  }
}

void DepthwiseForwardRows(const ConvolutionGeometry& geometry, const float* input,
                          std::int64_t input_row, std::int64_t first, std::int64_t last,
                          const float* packed, const Epilogue& epilogue, float* output,
                          float* scratch) {
  const ConvolutionGeometry& g = geometry;
  const std::int64_t output_row = g.output_width * g.output_channels;
  const bool are_three = HasThreeColumns(g);
  const Activation clamp = IsClamp(epilogue.activation) ? epilogue.activation : Activation::kNone;
  while (first < last) {
    const Taps taps = TapsOfRow(g, first);
    std::int64_t end = first + 1;
    if (are_three && taps.count > 0) {
      while (end < last && TapsOfRow(g, end).count == taps.count &&
             TapsOfRow(g, end).tap == taps.tap) {
        ++end;
      }
      const std::int64_t input_floats = g.width * g.channels;
      SumDepthwiseRows({.x = input + (taps.position - input_row) * input_floats,
                        .kernel_row_stride = g.dilation_height * input_floats,
                        .row_stride = g.stride_height * input_floats,
                        .weights = packed + taps.tap * g.kernel_width * g.channels,
                        .bias = epilogue.column_bias,
                        .kernel_rows = taps.count,
                        .channels = g.channels,
                        .width = g.width,
                        .stride = g.stride_width,
                        .pad_left = g.pad_left,
                        .rows = end - first,
                        .columns = g.output_width,
                        .y = output,
                        .activation = clamp});
    } else {
      Taps rows = taps;
      rows.position -= input_row;
      const float* x = SeenRows(g, input, rows, scratch);
      ESPALIER_KERNEL(SumsOfRow)
      ({.x = x,
        .weights = packed,
        .bias = epilogue.column_bias,
        .channels = g.output_channels,
        .width = g.width,
        .kernel_width = g.kernel_width,
        .rows = rows,
        .columns = ForwardTaps(g.kernel_width, g.dilation_width, -g.pad_left),
        .x_step = g.stride_width,
        .y_step = 1,
        .count = g.output_width,
        .activation = clamp},
       output);
    }
    if (!IsClamp(epilogue.activation)) {
      ActivationForward(epilogue.activation, epilogue.slope, output, (end - first) * output_row,
                        output);
    }
    output += (end - first) * output_row;
    first = end;
  }
}

void DepthwiseForward(const ConvolutionGeometry& geometry, std::int64_t batch, const float* input,
                      const float* packed, const Epilogue& epilogue, float* output,
                      Workspace& workspace) {
  const ConvolutionGeometry& g = geometry;
  const std::int64_t rows = batch * g.output_height;
  // No bit depends on how rows are cut, so the number of workers may decide.
  const std::int64_t products = rows * g.output_width * g.output_channels * KernelArea(g);
  const std::int64_t workers = workspace.workers();
  const std::int64_t most = workers == 1 ? 1 : kTasksOfAWorker * workers;
  const std::int64_t tasks =
      std::clamp<std::int64_t>(products / kTaskProducts, 1, std::min(rows, most));
  workspace.ParallelFor(tasks, [&](std::int64_t task, std::span<float> scratch) {
    const std::int64_t end = rows * (task + 1) / tasks;
    for (std::int64_t row = rows * task / tasks; row < end;) {
      const std::int64_t example = row / g.output_height;
      const std::int64_t first = row % g.output_height;
      const std::int64_t last = std::min(g.output_height, first + end - row);
      DepthwiseForwardRows(g, input + example * g.height * g.width * g.channels, 0, first, last,
                           packed, epilogue, output + row * g.output_width * g.output_channels,
                           scratch.data());
      row += last - first;
    }
  });
}

void DepthwiseBackwardInput(const ConvolutionGeometry& geometry, std::int64_t batch,
                            const float* grad_output, const float* packed, float* grad_input,
                            Workspace& workspace) {
  const ConvolutionGeometry& g = geometry;
  const std::int64_t multiplier = Multiplier(g);
  const Runs runs = TaskRuns(g, batch * g.height, g.width);
  const auto kernel = ESPALIER_KERNEL(SumsOfRow);
  workspace.ParallelFor(runs.count, [&](std::int64_t task, std::span<float> scratch) {
    for (std::int64_t row = runs.Begin(task); row < runs.Begin(task + 1); ++row) {
      const float* grads =
          grad_output + row / g.height * g.output_height * g.output_width * g.output_channels;
      float* grad_row = grad_input + row * g.width * g.channels;
      float* sums = multiplier == 1 ? grad_row : scratch.data();
      const Taps rows = BackwardTaps(g.kernel_height, g.dilation_height, g.stride_height,
                                     row % g.height + g.pad_top)
                            .On(0, g.output_height);
      // Inputs that are a stride apart meet the same taps.
      for (std::int64_t first = 0; first < std::min(g.stride_width, g.width); ++first) {
        const Taps columns =
            BackwardTaps(g.kernel_width, g.dilation_width, g.stride_width, first + g.pad_left);
        kernel({.x = grads,
                .weights = packed,
                .bias = nullptr,
                .channels = g.output_channels,
                .width = g.output_width,
                .kernel_width = g.kernel_width,
                .rows = columns.count == 0 ? Taps() : rows,
                .columns = columns,
                .x_step = 1,
                .y_step = g.stride_width,
                .count = (g.width - first + g.stride_width - 1) / g.stride_width,
                .activation = Activation::kNone},
               sums + first * g.output_channels);
      }
      if (multiplier == 1) continue;
      for (std::int64_t i = 0; i < g.width * g.channels; ++i) {
        grad_row[i] = std::accumulate(sums + i * multiplier, sums + (i + 1) * multiplier, 0.0f);
      }
    }
  });
}

std::int64_t DepthwiseBackwardWeightsFloats(const ConvolutionGeometry& geometry,
                                            std::int64_t batch) {
  const std::int64_t chunk_floats = (KernelArea(geometry) + 1) * geometry.output_channels;
  return kMostChunks * chunk_floats * std::min<std::int64_t>(batch, 1);
}

void DepthwiseBackwardWeights(const ConvolutionGeometry& geometry, std::int64_t batch,
                              const float* input, const float* grad_output, float* grad_weights,
                              float* grad_bias, float* buffer, Workspace& workspace) {
  const ConvolutionGeometry& g = geometry;
  const std::int64_t area = KernelArea(g);
  const std::int64_t chunk_floats = (area + 1) * g.output_channels;
  if (batch == 0) {
    std::fill_n(grad_weights, area * g.output_channels, 0.0f);
    if (grad_bias != nullptr) std::fill_n(grad_bias, g.output_channels, 0.0f);
    return;
  }
  const Runs chunks = ChunkRuns(g, batch);
  const auto kernel = ESPALIER_KERNEL(ProductsOfRow);
  workspace.ParallelFor(chunks.count, [&](std::int64_t chunk, std::span<float> scratch) {
    float* const sums = buffer + chunk * chunk_floats;
    std::fill_n(sums, chunk_floats, 0.0f);
    for (std::int64_t row = chunks.Begin(chunk); row < chunks.Begin(chunk + 1); ++row) {
      const float* image = input + row / g.output_height * g.height * g.width * g.channels;
      Taps rows = TapsOfRow(g, row % g.output_height);
      const float* x = SeenRows(g, image, rows, scratch.data());
      kernel({.x = x,
              .grad = grad_output + row * g.output_width * g.output_channels,
              .channels = g.output_channels,
              .width = g.width,
              .kernel_width = g.kernel_width,
              .rows = rows,
              .columns = ForwardTaps(g.kernel_width, g.dilation_width, -g.pad_left),
              .x_step = g.stride_width,
              .count = g.output_width},
             sums, sums + area * g.output_channels);
    }
  });
  for (std::int64_t chunk = 1; chunk < chunks.count; ++chunk) {
    const float* const sums = buffer + chunk * chunk_floats;
    for (std::int64_t i = 0; i < chunk_floats; ++i) buffer[i] += sums[i];
  }
  for (std::int64_t c = 0; c < g.output_channels; ++c) {
    for (std::int64_t k = 0; k < area; ++k) {
      grad_weights[c * area + k] = buffer[k * g.output_channels + c];
    }
  }
  if (grad_bias != nullptr) {
    std::copy_n(buffer + area * g.output_channels, g.output_channels, grad_bias);
  }
}

}  // namespace espalier
#endif  // HWY_ONCE
