// SPDX-License-Identifier: Apache-2.0
#pragma once

// Each activation, and what it is in float64.

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/elementwise/activation.h"

namespace espalier::testing {

inline constexpr auto kAllActivations = [] {
  std::array<Activation, kActivations.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Activation>(i);
  return all;
}();

struct ActivationReference {
  double (*value)(double x, double slope);
  /// grad · activation'(x), of y where HasGradientByResult, else of x.
  double (*gradient)(double y_or_x, double grad, double slope);
  double most_ulp = 0.5;  ///< of the result in float, in units of the last place
  std::vector<double> kinks = {};
};

inline const ActivationReference& ReferenceOf(Activation activation) {
  static constexpr double kSeluScale = 1.0507009873554804934193349852946;
  static constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
  static constexpr auto kSigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  static constexpr auto kSoftplus = [](double x) {
    return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
  };
  static constexpr auto kHardSigmoid = [](double x) {
    return x <= -3.0 ? 0.0 : (x >= 3.0 ? 1.0 : (x + 3.0) / 6.0);
  };
  static constexpr auto kNormalCdf = [](double x) {
    return 0.5 * std::erfc(-x / std::numbers::sqrt2);
  };
  static const double kCubicScale = 2.0 * std::sqrt(2.0 / std::numbers::pi);
  static constexpr auto kCubic = [](double x) { return kCubicScale * (x + 0.044715 * x * x * x); };
  // In the order of Activation.
  static const std::array<ActivationReference, kActivations.size()> references = {{
      {[](double x, double) { return x; }, [](double, double grad, double) { return grad; }},
      // relu
      {[](double x, double) { return x <= 0.0 ? 0.0 : x; },
       [](double y, double grad, double) { return y <= 0.0 ? 0.0 : grad; },
       0.5,
       {0.0}},
      // relu6
      {[](double x, double) { return x <= 0.0 ? 0.0 : (x > 6.0 ? 6.0 : x); },
       [](double y, double grad, double) { return y <= 0.0 || y >= 6.0 ? 0.0 : grad; },
       0.5,
       {0.0, 6.0}},
      // leaky_relu
      {[](double x, double slope) { return x > 0.0 ? x : slope * x; },
       [](double y, double grad, double slope) { return y > 0.0 ? grad : grad * slope; },
       0.5,
       {0.0}},
      // gelu
      {[](double x, double) { return x * kNormalCdf(x); },
       [](double x, double grad, double) {
         const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
         return grad * (kNormalCdf(x) + x * density);
       },
       6.5},
      // silu
      {[](double x, double) { return x / (1.0 + std::exp(-x)); },
       [](double x, double grad, double) {
         return grad * (kSigmoid(x) * (1.0 + x * (1.0 - kSigmoid(x))));
       },
       3.5},
      // sigmoid
      {[](double x, double) { return kSigmoid(x); },
       [](double y, double grad, double) { return grad * (y * (1.0 - y)); }, 3.0},
      // tanh
      {[](double x, double) { return std::tanh(x); },
       [](double y, double grad, double) { return grad * (1.0 - y * y); }, 3.0},
      // hard_swish
      {[](double x, double) { return x * kHardSigmoid(x); },
       [](double x, double grad, double) {
         return x <= -3.0 ? 0.0 : (x >= 3.0 ? grad : grad * (x / 3.0 + 0.5));
       },
       2.5,
       {-3.0, 3.0}},
      // hard_sigmoid
      {[](double x, double) { return kHardSigmoid(x); },
       [](double y, double grad, double) { return y <= 0.0 || y >= 1.0 ? 0.0 : grad / 6.0; },
       2.5,
       {-3.0, 3.0}},
      // elu
      {[](double x, double slope) { return x > 0.0 ? x : slope * std::expm1(x); },
       [](double y, double grad, double slope) { return y > 0.0 ? grad : grad * (y + slope); },
       3.0},
      // selu
      {[](double x, double) { return kSeluScale * (x > 0.0 ? x : kSeluAlpha * std::expm1(x)); },
       [](double y, double grad, double) {
         // The float next to λ·α: the least y is its opposite.
         const double negative = static_cast<float>(kSeluScale * kSeluAlpha);
         return grad * (y > 0.0 ? kSeluScale : y + negative);
       },
       3.0,
       {0.0}},
      // softplus
      {[](double x, double) { return kSoftplus(x); },
       [](double y, double grad, double) { return grad * -std::expm1(-y); }, 3.5},
      // mish
      {[](double x, double) { return x * std::tanh(kSoftplus(x)); },
       [](double x, double grad, double) {
         if (x >= 20.0) return grad;  // where x·(1 - t²) is less than 1e-15
         const double t = std::tanh(kSoftplus(x));
         return grad * (t + x * kSigmoid(x) * (1.0 - t * t));
       },
       5.0},
      // gelu_tanh; what rounding leaves of the sigmoid's argument, up to 87, counts as often
      {[](double x, double) { return x * kSigmoid(kCubic(x)); },
       [](double x, double grad, double) {
         const double s = kSigmoid(kCubic(x));
         if (s == 0.0 || s == 1.0) return grad * s;
         return grad * (s + x * s * (1.0 - s) * kCubicScale * (1.0 + 0.134145 * x * x));
       },
       200.0},
  }};
  return references[static_cast<std::size_t>(activation)];
}

}  // namespace espalier::testing
