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

/// y[i] = activation(x[i]). y may be x. NaN stays NaN.
void ActivationForward(Activation activation, float slope, const float* x, std::int64_t count,
                       float* y);

/// grad_x[i] = grad_y[i] · activation'(x[i]), from input x and output y (either may be
/// ignored by a kind). grad_x may be grad_y. At kinks the left derivative: relu'(0) = 0.
void ActivationBackward(Activation activation, float slope, const float* x, const float* y,
                        const float* grad_y, std::int64_t count, float* grad_x);

}  // namespace espalier
