// SPDX-License-Identifier: Apache-2.0

// Convolutions on one thread: forward and both gradients on the layers of small networks.
// Counter "GFLOPS"; "of_peak" is its share of the fused multiply-add peak of the active
// target, measured at the start.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/cpu.h"
#include "core/random.h"
#include "kernels/conv2d.h"
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
        buffer(static_cast<std::size_t>(Conv2dBackwardFloats(geometry, batch))),
        packed(static_cast<std::size_t>(Conv2dPackedFloats(geometry))),
        workspace(1, Conv2dScratchFloats(geometry)) {
    Conv2dPackWeights(geometry, weights.data(), packed.data(), workspace);
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
  std::vector<float> input, weights, output, bias, buffer, packed;
  Workspace workspace;
};

void Forward(benchmark::State& state, const LayerCase& layer) {
  Buffers buffers(layer.Geometry(), state.range(0));
  const Epilogue epilogue{.column_bias = buffers.bias.data(), .activation = Activation::kRelu};
  for (auto _ : state) {
    Conv2dForward(buffers.geometry, buffers.batch, buffers.input.data(), buffers.packed.data(),
                  epilogue, buffers.output.data(), buffers.workspace);
    benchmark::ClobberMemory();
  }
  buffers.Report(state);
}

void GradInput(benchmark::State& state, const LayerCase& layer) {
  Buffers buffers(layer.Geometry(), state.range(0));
  for (auto _ : state) {
    Conv2dBackwardInput(buffers.geometry, buffers.batch, buffers.output.data(),
                        buffers.weights.data(), buffers.input.data(), buffers.buffer.data(),
                        buffers.workspace);
    benchmark::ClobberMemory();
  }
  buffers.Report(state);
}

void GradWeights(benchmark::State& state, const LayerCase& layer) {
  Buffers buffers(layer.Geometry(), state.range(0));
  for (auto _ : state) {
    Conv2dBackwardWeights(buffers.geometry, buffers.batch, buffers.input.data(),
                          buffers.output.data(), buffers.weights.data(), buffers.bias.data(),
                          buffers.buffer.data(), buffers.workspace);
    benchmark::ClobberMemory();
  }
  buffers.Report(state);
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
