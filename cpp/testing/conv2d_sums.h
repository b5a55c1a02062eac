// SPDX-License-Identifier: Apache-2.0
#pragma once

// A convolution's exact sums, and how far off float32 may be.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "testing/conv2d_reference.h"
#include "testing/tolerance.h"

namespace espalier::testing {

/// Sums in float64, of `terms` products each at most, whose magnitudes add up to `magnitudes`.
struct ExactSums {
  std::vector<double> values;
  std::vector<double> magnitudes;
  std::size_t terms;

  /// Largest |got - value| as a multiple of the direct sum's bound, SumTolerance; infinite if
  /// anything is not finite, or not 0 although all that it is made of is.
  double WorstError(const std::vector<float>& got) const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (got.size() != values.size()) return kInfinity;
    double worst = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double error = std::abs(static_cast<double>(got[i]) - values[i]);
      if (!std::isfinite(error)) return kInfinity;
      const double bound = SumTolerance(terms, magnitudes[i]);
      worst = std::max(worst, bound > 0.0 ? error / bound : (error > 0.0 ? kInfinity : 0.0));
    }
    return worst;
  }
};

inline std::vector<double> Magnitudes(const std::vector<float>& values) {
  std::vector<double> result = ToDouble(values);
  for (double& value : result) value = std::abs(value);
  return result;
}

/// `bias`: one float an output channel.
inline ExactSums ExactOutputs(const Conv2dReference& reference, const std::vector<float>& input,
                              const std::vector<float>& weights, const std::vector<float>& bias) {
  const auto& g = reference.geometry;
  return {reference.Forward(ToDouble(input), ToDouble(weights), ToDouble(bias)),
          reference.Forward(Magnitudes(input), Magnitudes(weights), Magnitudes(bias)),
          static_cast<std::size_t>(g.channels / g.groups * g.kernel_height * g.kernel_width + 1)};
}

inline ExactSums ExactInputGradients(const Conv2dReference& reference,
                                     const std::vector<float>& grad_output,
                                     const std::vector<float>& weights) {
  const auto& g = reference.geometry;
  return {
      reference.GradInput(ToDouble(grad_output), ToDouble(weights)),
      reference.GradInput(Magnitudes(grad_output), Magnitudes(weights)),
      static_cast<std::size_t>(g.output_channels / g.groups * g.kernel_height * g.kernel_width)};
}

inline ExactSums ExactWeightGradients(const Conv2dReference& reference,
                                      const std::vector<float>& grad_output,
                                      const std::vector<float>& input) {
  return {reference.GradWeights(ToDouble(grad_output), ToDouble(input)),
          reference.GradWeights(Magnitudes(grad_output), Magnitudes(input)),
          reference.OutputSize() / static_cast<std::size_t>(reference.geometry.output_channels)};
}

inline ExactSums ExactBiasGradients(const Conv2dReference& reference,
                                    const std::vector<float>& grad_output) {
  return {reference.GradBias(ToDouble(grad_output)), reference.GradBias(Magnitudes(grad_output)),
          reference.OutputSize() / static_cast<std::size_t>(reference.geometry.output_channels)};
}

}  // namespace espalier::testing
