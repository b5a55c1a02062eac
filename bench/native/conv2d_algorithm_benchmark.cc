// SPDX-License-Identifier: Apache-2.0

// Each way to compute a 3 x 3 convolution on the same shapes, one image, one thread: what the
// costs in kernels/convolution/conv2d_algorithm.cc are fitted to. The one that is chosen is marked.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "core/memory.h"
#include "kernels/convolution/conv2d_algorithm.h"

namespace espalier {
namespace {

struct Problem {
  explicit Problem(const ConvolutionGeometry& geometry_in)
      : geometry(geometry_in),
        input(geometry.channels * geometry.height * geometry.width),
        weights(9 * geometry.channels * geometry.output_channels),
        output(geometry.output_channels * geometry.output_height * geometry.output_width) {
    std::fill_n(input.data(), input.size(), 0.5f);
    std::fill_n(weights.data(), weights.size(), 0.1f);
  }

  ConvolutionGeometry geometry;
  AlignedArray<float> input, weights, output;
};

void RunWinograd(benchmark::State& state, const ConvolutionGeometry& geometry,
                 ConvolutionAlgorithm algorithm) {
  Problem problem(geometry);
  const WinogradConvolution convolution = ToWinograd(geometry, algorithm);
  Workspace workspace(1, WinogradScratchFloats(convolution));
  AlignedArray<float> packed(WinogradPackedFloats(convolution));
  WinogradPack(convolution, problem.weights.data(), 9, 9 * geometry.channels, false, packed.data(),
               workspace);
  for (auto _ : state) {
    WinogradForward(convolution, 1, problem.input.data(), packed.data(), {}, false,
                    problem.output.data(), workspace);
    benchmark::ClobberMemory();
  }
}

void RunShiftedRows(benchmark::State& state, const ConvolutionGeometry& geometry) {
  Problem problem(geometry);
  const ShiftedRows rows = ToShiftedRows(geometry);
  const std::int64_t band = OutputRowsInCache(rows);
  AlignedArray<float> packed(PackedFloats(rows.depth(), rows.outputs));
  AlignedArray<float> scratch(ShiftedRowsScratchFloats(rows, band, false));
  for (auto _ : state) {
    for (std::int64_t y = 0; y < geometry.output_height; y += band) {
      SumShiftedRows(rows, problem.input.data(), y, std::min(geometry.output_height, y + band),
                     packed.data(), {}, false, problem.output.data(), scratch.data());
    }
    benchmark::ClobberMemory();
  }
}

void Register(std::int64_t size, std::int64_t channels, std::int64_t outputs) {
  const ConvolutionGeometry geometry = {channels, size, size, outputs, size, size, 3, 3,
                                        1,        1,    1,    1,       1,    1,    1};
  const ConvolutionAlgorithm chosen = ChooseAlgorithm(geometry);
  const std::string shape = std::to_string(size) + "x" + std::to_string(size) + "x" +
                            std::to_string(channels) + "_to_" + std::to_string(outputs);
  const auto name = [&](const char* algorithm, ConvolutionAlgorithm which) {
    return shape + "/" + algorithm + (which == chosen ? "/chosen" : "");
  };
  for (const auto& [algorithm, which] :
       {std::pair("winograd_2x2", ConvolutionAlgorithm::kWinograd2),
        std::pair("winograd_4x4", ConvolutionAlgorithm::kWinograd4)}) {
    benchmark::RegisterBenchmark(name(algorithm, which).c_str(),
                                 [geometry, which = which](benchmark::State& state) {
                                   RunWinograd(state, geometry, which);
                                 });
  }
  benchmark::RegisterBenchmark(
      name("shifted_rows", ConvolutionAlgorithm::kShiftedRows).c_str(),
      [geometry](benchmark::State& state) { RunShiftedRows(state, geometry); });
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  constexpr std::int64_t kMostProducts = 56 * 56 * 64 * 64;
  for (const std::int64_t size : {4, 7, 8, 14, 28, 56}) {
    for (const std::int64_t channels : {3, 8, 16, 32, 64, 128, 256}) {
      for (const std::int64_t outputs : {8, 16, 32, 64, 128, 256}) {
        if (size * size * channels * outputs <= kMostProducts) {
          espalier::Register(size, channels, outputs);
        }
      }
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
