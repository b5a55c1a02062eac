// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolutions by Winograd's method with awkward sizes, for tests. Whatever a call reads or
// writes lies in guarded memory, on the side that is asked for.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/thread_pool.h"
#include "kernels/convolution/conv2d_algorithm.h"
#include "kernels/convolution/winograd.h"
#include "testing/conv2d_reference.h"
#include "testing/guarded_floats.h"
#include "testing/normal_floats.h"

namespace espalier::testing {

struct WinogradCase {
  std::string name;
  std::int64_t batch, channels, height, width, outputs;
  std::int64_t pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;

  ConvolutionGeometry Geometry() const {
    return {.channels = channels,
            .height = height,
            .width = width,
            .output_channels = outputs,
            .output_height = height + pad_top + pad_bottom - 2,
            .output_width = width + pad_left + pad_right - 2,
            .kernel_height = 3,
            .kernel_width = 3,
            .stride_height = 1,
            .stride_width = 1,
            .dilation_height = 1,
            .dilation_width = 1,
            .pad_top = pad_top,
            .pad_left = pad_left,
            .groups = 1};
  }

  /// False where a gradient of the input sees nothing but padding: no variant then bounds its
  /// error, and none is selected (conv2d_algorithm.cc).
  bool HasInputGradient() const {
    return std::min({pad_top, pad_left, pad_bottom, pad_right}) >= 0;
  }
};

inline const std::vector<WinogradCase>& WinogradCases() {
  static const std::vector<WinogradCase> cases = {
      {"one of everything", 1, 1, 1, 1, 1},
      {"less than a tile", 2, 3, 3, 2, 5},
      {"whole tiles", 2, 16, 8, 8, 32},
      {"ragged tiles, lanes and panels", 3, 17, 7, 9, 33},
      {"no padding", 2, 5, 6, 11, 16, 0, 0, 0, 0},
      {"wide padding", 1, 7, 5, 6, 8, 2, 0, 1, 2},
      {"positions left out", 1, 9, 9, 9, 4, -1, -2, 0, 1},
      {"many channels", 1, 130, 5, 4, 70},
      {"several blocks of tiles", 2, 4, 40, 44, 6},
  };
  return cases;
}

/// One case's arrays and what Winograd's method makes of them. After a call the pool's widest
/// run is that of the convolution, without the packing of weights.
struct WinogradProblem {
  struct Options {
    std::int64_t tile = 4;
    GuardSide side = GuardSide::kAfter;
    int workers = 1;
    Epilogue epilogue = {};
    bool pools = false;
  };

  explicit WinogradProblem(const WinogradCase& c)
      : reference{c.Geometry(), c.batch},
        input(NormalFloats(reference.InputSize(), 1)),
        weights(NormalFloats(reference.WeightSize(), 2)),
        grad_output(NormalFloats(reference.OutputSize(), 3)) {}

  std::vector<float> Forward(const Options& options) const {
    const ConvolutionGeometry& g = reference.geometry;
    return Convolve(g, input, 9, 9 * g.channels, false, options);
  }

  std::vector<float> GradInput(const Options& options) const {
    const ConvolutionGeometry& g = reference.geometry;
    return Convolve(GradientGeometry(g), grad_output, 9 * g.channels, 9, true, options);
  }

  std::vector<float> GradWeights(const Options& options) const {
    const WinogradConvolution convolution = Winograd(reference.geometry, options.tile);
    Workspace workspace(options.workers, 0);
    GuardedFloats buffer(
        static_cast<std::size_t>(WinogradGradWeightsFloats(convolution, reference.batch)),
        options.side);
    GuardedFloats grad(weights.size(), options.side);
    FillWithNaN(buffer);
    FillWithNaN(grad);
    ThreadPool::Shared().ResetWidestRun();
    WinogradBackwardWeights(convolution, reference.batch, GuardedFloats(input, options.side).data(),
                            GuardedFloats(grad_output, options.side).data(), grad.data(),
                            buffer.data(), workspace);
    return grad.ToVector();
  }

  static std::vector<float> NormalFloats(std::size_t size, std::uint32_t stream) {
    return testing::NormalFloats(size, {.seed = 11, .index = stream});
  }

  Conv2dReference reference;
  std::vector<float> input, weights, grad_output;

 private:
  static WinogradConvolution Winograd(const ConvolutionGeometry& geometry, std::int64_t tile) {
    return ToWinograd(
        geometry, tile == 2 ? ConvolutionAlgorithm::kWinograd2 : ConvolutionAlgorithm::kWinograd4);
  }

  static void FillWithNaN(GuardedFloats& floats) {
    std::fill_n(floats.data(), floats.size(), std::numeric_limits<float>::quiet_NaN());
  }

  std::vector<float> Convolve(const ConvolutionGeometry& geometry, const std::vector<float>& from,
                              std::int64_t k_stride, std::int64_t n_stride, bool is_reversed,
                              const Options& options) const {
    const WinogradConvolution convolution = Winograd(geometry, options.tile);
    Workspace workspace(options.workers, WinogradScratchFloats(convolution));
    GuardedFloats packed(static_cast<std::size_t>(WinogradPackedFloats(convolution)), options.side);
    WinogradPack(convolution, GuardedFloats(weights, options.side).data(), k_stride, n_stride,
                 is_reversed, packed.data(), workspace);
    const std::int64_t positions =
        options.pools ? (convolution.output_height / 2) * (convolution.output_width / 2)
                      : convolution.output_height * convolution.output_width;
    GuardedFloats output(
        static_cast<std::size_t>(reference.batch * positions * convolution.output_channels),
        options.side);
    FillWithNaN(output);
    ThreadPool::Shared().ResetWidestRun();
    WinogradForward(convolution, reference.batch, GuardedFloats(from, options.side).data(),
                    packed.data(), options.epilogue, options.pools, output.data(), workspace);
    return output.ToVector();
  }
};

}  // namespace espalier::testing
