// SPDX-License-Identifier: Apache-2.0

// Convolutions on one thread: forward and both gradients on the layers of small networks, each
// checked before it is timed. Counter "GFLOPS"; "of_peak" is its share of the fused multiply-add
// peak of the active target, measured at the start.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "checks.h"
#include "core/cpu.h"
#include "core/random.h"
#include "kernels/convolution/conv2d.h"
#include "machine_limits.h"

namespace espalier {
namespace {

double peak_gflops = 0.0;

struct LayerCase {
  std::string name;
  std::int64_t channels, size, output_channels, kernel, stride, groups;

  ConvolutionGeometry Geometry() const {
    const std::int64_t output = (size + stride - 1) / stride;
    const std::int64_t pad = (kernel - 1) / 2;
    return {channels, size,   size,   output_channels, output, output,
            kernel,   kernel, stride, stride,          1,      1,
            pad,      pad,    groups};
  }
};

std::vector<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  Random random({.seed = 3, .index = stream});
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = static_cast<float>(random.NextUniform() - 0.5);
  return values;
}

struct Buffers {
  Buffers(const ConvolutionGeometry& geometry_in, std::int64_t batch_in)
      : geometry(geometry_in),
        batch(batch_in),
        input(RandomFloats(batch * geometry.channels * geometry.height * geometry.width, 1)),
        weights(RandomFloats(geometry.output_channels * geometry.channels / geometry.groups *
                                 geometry.kernel_height * geometry.kernel_width,
                             2)),
        output(RandomFloats(
            batch * geometry.output_channels * geometry.output_height * geometry.output_width, 3)),
        bias(RandomFloats(geometry.output_channels, 4)),
        buffer(static_cast<std::size_t>(Conv2dBackwardWeightsFloats(geometry, batch))),
        packed(static_cast<std::size_t>(Conv2dPackedFloats(geometry))),
        packed_backward(static_cast<std::size_t>(Conv2dPackedBackwardFloats(geometry))),
        workspace(1, Conv2dScratchFloats(geometry)) {
    Conv2dPackWeights(geometry, weights.data(), packed.data(), workspace);
    Conv2dPackWeightsBackward(geometry, weights.data(), packed_backward.data(), workspace);
  }

  void Report(benchmark::State& state) const {
    const double operations = 2.0 * static_cast<double>(output.size()) *
                              static_cast<double>(geometry.channels / geometry.groups *
                                                  geometry.kernel_height * geometry.kernel_width);
    const double done = operations / 1e9 * static_cast<double>(state.iterations());
    state.counters["GFLOPS"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
    state.counters["of_peak"] = benchmark::Counter(done / peak_gflops, benchmark::Counter::kIsRate);
  }

  ConvolutionGeometry geometry;
  std::int64_t batch;
  std::vector<float> input, weights, output, bias, buffer, packed, packed_backward;
  Workspace workspace;
};

// Some places of a result of `size` values.
template <typename Visit>
void AtSamples(std::size_t size, const Visit& visit) {
  Random random({.seed = 5, .index = 0});
  for (int sample = 0; sample < 32; ++sample) {
    visit(static_cast<std::int64_t>(random.NextUniform() * static_cast<double>(size)));
  }
}

// Visits the products that convolution consists of and that belong to example `e`, output row
// `oy` and column `ox`, output channel `o` and channel `c` of its group: visit(input index,
// weight index, output index).
template <typename Visit>
void ForEachTap(const ConvolutionGeometry& g, std::int64_t e, std::int64_t oy, std::int64_t ox,
                std::int64_t o, std::int64_t c, const Visit& visit) {
  const std::int64_t group_channels = g.channels / g.groups;
  const std::int64_t channel = o / (g.output_channels / g.groups) * group_channels + c;
  for (std::int64_t ky = 0; ky < g.kernel_height; ++ky) {
    for (std::int64_t kx = 0; kx < g.kernel_width; ++kx) {
      const std::int64_t y = oy * g.stride_height + ky - g.pad_top;
      const std::int64_t x = ox * g.stride_width + kx - g.pad_left;
      if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
      visit(((e * g.height + y) * g.width + x) * g.channels + channel,
            ((o * group_channels + c) * g.kernel_height + ky) * g.kernel_width + kx,
            ((e * g.output_height + oy) * g.output_width + ox) * g.output_channels + o);
    }
  }
}

// A sum in float64, and that of its terms' sizes; Winograd's errors are relative to the latter.
struct Sum {
  double value = 0.0, size = 0.0;

  void Add(double term) {
    value += term;
    size += std::abs(term);
  }
  bool IsNear(double actual, double expected) const {
    return std::abs(actual - expected) <= 1e-4 * size;
  }
};

void CheckForward(const Buffers& b) {
  const ConvolutionGeometry& g = b.geometry;
  AtSamples(b.output.size(), [&](std::int64_t place) {
    const std::int64_t o = place % g.output_channels, pixel = place / g.output_channels;
    Sum sum;
    sum.Add(b.bias[o]);
    for (std::int64_t c = 0; c < g.channels / g.groups; ++c) {
      ForEachTap(g, pixel / g.output_width / g.output_height,
                 pixel / g.output_width % g.output_height, pixel % g.output_width, o, c,
                 [&](std::int64_t in, std::int64_t weight, std::int64_t) {
                   sum.Add(double{b.input[in]} * b.weights[weight]);
                 });
    }
    Require(sum.IsNear(b.output[place], std::max(0.0, sum.value)), "an output is wrong");
  });
}

void CheckGradInput(const Buffers& b) {
  const ConvolutionGeometry& g = b.geometry;
  AtSamples(b.input.size(), [&](std::int64_t place) {
    const std::int64_t channel = place % g.channels, row = place / g.channels / g.width;
    const std::int64_t group_channels = g.channels / g.groups, e = row / g.height;
    const std::int64_t group_outputs = g.output_channels / g.groups;
    const std::int64_t group = channel / group_channels;
    const std::int64_t near = (row % g.height) / g.stride_height;
    Sum sum;
    for (std::int64_t oy = std::max<std::int64_t>(0, near - g.kernel_height);
         oy < std::min(g.output_height, near + g.kernel_height); ++oy) {
      for (std::int64_t ox = 0; ox < g.output_width; ++ox) {
        for (std::int64_t o = group * group_outputs; o < (group + 1) * group_outputs; ++o) {
          ForEachTap(g, e, oy, ox, o, channel % group_channels,
                     [&](std::int64_t in, std::int64_t weight, std::int64_t out) {
                       if (in == place) sum.Add(double{b.output[out]} * b.weights[weight]);
                     });
        }
      }
    }
    Require(sum.IsNear(b.input[place], sum.value), "a gradient by the input is wrong");
  });
}

void CheckGradWeights(const Buffers& b) {
  const ConvolutionGeometry& g = b.geometry;
  AtSamples(b.weights.size(), [&](std::int64_t place) {
    const std::int64_t filter = place / (g.kernel_height * g.kernel_width);
    const std::int64_t group_channels = g.channels / g.groups;
    Sum sum;
    for (std::int64_t pixel = 0; pixel < b.batch * g.output_height * g.output_width; ++pixel) {
      ForEachTap(g, pixel / g.output_width / g.output_height,
                 pixel / g.output_width % g.output_height, pixel % g.output_width,
                 filter / group_channels, filter % group_channels,
                 [&](std::int64_t in, std::int64_t weight, std::int64_t out) {
                   if (weight == place) sum.Add(double{b.input[in]} * b.output[out]);
                 });
    }
    Require(sum.IsNear(b.weights[place], sum.value), "a gradient by the weights is wrong");
  });
}

template <typename Run>
void Time(benchmark::State& state, const Buffers& buffers, void (*check)(const Buffers&),
          const Run& run) {
  run();
  check(buffers);
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  buffers.Report(state);
}

void Forward(benchmark::State& state, const LayerCase& layer) {
  Buffers buffers(layer.Geometry(), state.range(0));
  const Epilogue epilogue{.column_bias = buffers.bias.data(), .activation = Activation::kRelu};
  Time(state, buffers, CheckForward, [&] {
    Conv2dForward(buffers.geometry, buffers.batch, buffers.input.data(), buffers.packed.data(),
                  epilogue, buffers.output.data(), buffers.workspace);
  });
}

void GradInput(benchmark::State& state, const LayerCase& layer) {
  Buffers buffers(layer.Geometry(), state.range(0));
  Time(state, buffers, CheckGradInput, [&] {
    Conv2dBackwardInput(buffers.geometry, buffers.batch, buffers.output.data(),
                        buffers.packed_backward.data(), buffers.input.data(), buffers.workspace);
  });
}

void GradWeights(benchmark::State& state, const LayerCase& layer) {
  Buffers buffers(layer.Geometry(), state.range(0));
  Time(state, buffers, CheckGradWeights, [&] {
    Conv2dBackwardWeights(buffers.geometry, buffers.batch, buffers.input.data(),
                          buffers.output.data(), buffers.weights.data(), buffers.bias.data(),
                          buffers.buffer.data(), buffers.workspace);
  });
}

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  peak_gflops = PeakGflops();
  benchmark::AddCustomContext("cpu_target", std::string(CpuTargetName(ActiveCpuTarget())));
  benchmark::AddCustomContext("fma_gflops", std::to_string(peak_gflops));
  const LayerCase layers[] = {
      {"1x28x28_to_16", 1, 28, 16, 3, 1, 1},
      {"16x14x14_to_32", 16, 14, 32, 3, 1, 1},
      {"1x28x28_to_32", 1, 28, 32, 3, 1, 1},
      {"32x14x14_to_64", 32, 14, 64, 3, 1, 1},
      {"3x32x32_to_64", 3, 32, 64, 3, 1, 1},
      {"64x32x32_to_64", 64, 32, 64, 3, 1, 1},
      {"64x16x16_to_128", 64, 16, 128, 3, 1, 1},
      {"128x16x16_to_128", 128, 16, 128, 3, 1, 1},
      {"128x8x8_to_256", 128, 8, 256, 3, 1, 1},
      {"256x8x8_to_256", 256, 8, 256, 3, 1, 1},
      {"1x1_96x14x14_to_64", 96, 14, 64, 1, 1, 1},
      {"stride2_64x16x16_to_128", 64, 16, 128, 3, 2, 1},
      {"depthwise_96x28x28", 96, 28, 96, 3, 1, 96},
      {"depthwise_stride2_96x28x28", 96, 28, 96, 3, 2, 96},
  };
  const struct {
    const char* name;
    void (*run)(benchmark::State&, const LayerCase&);
  } products[] = {{"forward", Forward}, {"grad_input", GradInput}, {"grad_weights", GradWeights}};
  for (const LayerCase& layer : layers) {
    for (const auto& product : products) {
      benchmark::RegisterBenchmark(
          (layer.name + "/" + product.name).c_str(),
          [layer, run = product.run](benchmark::State& state) { run(state, layer); })
          ->ArgName("batch")
          ->Arg(1)
          ->Arg(32);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) { return espalier::Main(argc, argv); }
