// SPDX-License-Identifier: Apache-2.0
#pragma once

// Activations, element by element, vectorised.

#include <cstdint>

namespace espalier {

enum class Activation : std::uint8_t {
  kNone,
  kRelu,       ///< max(x, 0)
  kRelu6,      ///< min(max(x, 0), 6)
  kLeakyRelu,  ///< x > 0 ? x : slope·x
  kGelu,       ///< x·Φ(x), by erf (PyTorch's default, not the tanh approximation)
  kSilu,       ///< x·sigmoid(x)
  kSigmoid,
  kTanh,
};

/// True if it does no more than limit: cheap enough to repeat wherever sums are stored.
inline bool IsClamp(Activation activation) {
  return activation == Activation::kNone || activation == Activation::kRelu ||
         activation == Activation::kRelu6;
}

/// y[i] = activation(x[i]). y may be x. NaN stays NaN.
void ActivationForward(Activation activation, float slope, const float* x, std::int64_t count,
                       float* y);

/// y = activation(y) for `rows` rows of `columns` floats, `stride` floats apart.
void ActivateRows(Activation activation, float slope, std::int64_t rows, std::int64_t columns,
                  float* y, std::int64_t stride);

/// grad_x[i] = grad_y[i] · activation'(x[i]). grad_x may be grad_y. Relu, relu6, sigmoid and
/// tanh read y and not x; leaky relu, gelu and silu read x and not y; the other one may be
/// null. At kinks as PyTorch: relu'(0) = relu6'(0) = relu6'(6) = 0, leaky_relu'(0) = slope.
void ActivationBackward(Activation activation, float slope, const float* x, const float* y,
                        const float* grad_y, std::int64_t count, float* grad_x);

}  // namespace espalier
