// SPDX-License-Identifier: Apache-2.0
#pragma once

// Convolution by its definition, in float64. Images lie channels last.

#include <cstdint>
#include <vector>

#include "kernels/convolution/conv2d.h"

namespace espalier::testing {

struct Conv2dReference {
  ConvolutionGeometry geometry;
  std::int64_t batch;

  std::size_t InputSize() const {
    return static_cast<std::size_t>(batch * geometry.channels * geometry.height * geometry.width);
  }
  std::size_t OutputSize() const {
    return static_cast<std::size_t>(batch * geometry.output_channels * geometry.output_height *
                                    geometry.output_width);
  }
  std::size_t WeightSize() const {
    return static_cast<std::size_t>(geometry.output_channels * geometry.channels / geometry.groups *
                                    geometry.kernel_height * geometry.kernel_width);
  }

  /// Calls visit(input index, weight index, output index) for each product.
  template <typename Visit>
  void ForEachProduct(Visit visit) const {
    const ConvolutionGeometry& g = geometry;
    const std::int64_t group_channels = g.channels / g.groups;
    const std::int64_t group_outputs = g.output_channels / g.groups;
    for (std::int64_t e = 0; e < batch; ++e) {
      for (std::int64_t o = 0; o < g.output_channels; ++o) {
        for (std::int64_t oy = 0; oy < g.output_height; ++oy) {
          for (std::int64_t ox = 0; ox < g.output_width; ++ox) {
            const std::int64_t output =
                ((e * g.output_height + oy) * g.output_width + ox) * g.output_channels + o;
            for (std::int64_t c = 0; c < group_channels; ++c) {
              const std::int64_t channel = o / group_outputs * group_channels + c;
              for (std::int64_t ky = 0; ky < g.kernel_height; ++ky) {
                const std::int64_t y = oy * g.stride_height + ky * g.dilation_height - g.pad_top;
                if (y < 0 || y >= g.height) continue;
                for (std::int64_t kx = 0; kx < g.kernel_width; ++kx) {
                  const std::int64_t x = ox * g.stride_width + kx * g.dilation_width - g.pad_left;
                  if (x < 0 || x >= g.width) continue;
                  const std::int64_t input =
                      ((e * g.height + y) * g.width + x) * g.channels + channel;
                  const std::int64_t weight =
                      ((o * group_channels + c) * g.kernel_height + ky) * g.kernel_width + kx;
                  visit(static_cast<std::size_t>(input), static_cast<std::size_t>(weight),
                        static_cast<std::size_t>(output));
                }
              }
            }
          }
        }
      }
    }
  }

  std::vector<double> Forward(const std::vector<double>& input, const std::vector<double>& weights,
                              const std::vector<double>& bias) const {
    std::vector<double> output(OutputSize());
    for (std::size_t i = 0; i < output.size(); ++i) output[i] = bias[i % bias.size()];
    ForEachProduct([&](std::size_t in, std::size_t weight, std::size_t out) {
      output[out] += input[in] * weights[weight];
    });
    return output;
  }

  std::vector<double> GradInput(const std::vector<double>& grad_output,
                                const std::vector<double>& weights) const {
    std::vector<double> grad(InputSize());
    ForEachProduct([&](std::size_t in, std::size_t weight, std::size_t out) {
      grad[in] += grad_output[out] * weights[weight];
    });
    return grad;
  }

  std::vector<double> GradWeights(const std::vector<double>& grad_output,
                                  const std::vector<double>& input) const {
    std::vector<double> grad(WeightSize());
    ForEachProduct([&](std::size_t in, std::size_t weight, std::size_t out) {
      grad[weight] += grad_output[out] * input[in];
    });
    return grad;
  }

  std::vector<double> GradBias(const std::vector<double>& grad_output) const {
    std::vector<double> grad(static_cast<std::size_t>(geometry.output_channels));
    for (std::size_t i = 0; i < grad_output.size(); ++i) grad[i % grad.size()] += grad_output[i];
    return grad;
  }
};

}  // namespace espalier::testing
