// SPDX-License-Identifier: Apache-2.0
#pragma once

// Activations, element by element, vectorised. Formula and derivative of each stand in
// activation-inl.h.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace espalier {

enum class Activation : std::uint8_t {
  kNone,
  kRelu,       ///< max(x, 0)
  kRelu6,      ///< min(max(x, 0), 6)
  kLeakyRelu,  ///< x > 0 ? x : slope·x
  kGelu,       ///< x·Φ(x), by erf (PyTorch's default)
  kSilu,       ///< x·sigmoid(x)
  kSigmoid,
  kTanh,
  kHardSwish,    ///< x·relu6(x + 3) / 6
  kHardSigmoid,  ///< relu6(x + 3) / 6
  kElu,          ///< x > 0 ? x : slope·(exp(x) - 1)
  kSelu,         ///< λ·(x > 0 ? x : α·(exp(x) - 1)), λ = 1.0507…, α = 1.6732…
  kSoftplus,     ///< log(1 + exp(x))
  kMish,         ///< x·tanh(softplus(x))
  kGeluTanh,     ///< x·sigmoid(2·√(2/π)·(x + 0.044715·x³)): gelu's approximation by tanh
};

struct ActivationKind {
  std::string_view name;
  bool has_gradient_by_result;  ///< without the argument
};

/// By value of Activation; the name is that of the layer.
inline constexpr std::array kActivations = {
    ActivationKind{"", true},
    ActivationKind{"relu", true},
    ActivationKind{"relu6", true},
    ActivationKind{"leaky_relu", true},
    ActivationKind{"gelu", false},
    ActivationKind{"silu", false},
    ActivationKind{"sigmoid", true},
    ActivationKind{"tanh", true},
    ActivationKind{"hard_swish", false},
    ActivationKind{"hard_sigmoid", true},
    ActivationKind{"elu", true},
    ActivationKind{"selu", true},
    ActivationKind{"softplus", true},
    ActivationKind{"mish", false},
    ActivationKind{"gelu_tanh", false},
};

inline constexpr const ActivationKind& KindOf(Activation activation) {
  return kActivations[static_cast<std::size_t>(activation)];
}

/// True if it does no more than limit: cheap enough to repeat wherever sums are stored.
inline bool IsClamp(Activation activation) {
  return activation == Activation::kNone || activation == Activation::kRelu ||
         activation == Activation::kRelu6;
}

/// True if the gradient follows from the result, without the argument.
inline bool HasGradientByResult(Activation activation) {
  return KindOf(activation).has_gradient_by_result;
}

/// True if it only chooses a slope: so cheap that a pass over memory may rather make results again
/// than read them.
inline bool IsPiecewiseLinear(Activation activation) {
  return IsClamp(activation) || activation == Activation::kLeakyRelu;
}

/// y[i] = activation(x[i]). y may be x. NaN stays NaN. `slope`, at least 0, is that of leaky relu
/// and elu.
void ActivationForward(Activation activation, float slope, const float* x, std::int64_t count,
                       float* y);

/// y = activation(y) for `rows` rows of `columns` floats, `stride` floats apart.
void ActivateRows(Activation activation, float slope, std::int64_t rows, std::int64_t columns,
                  float* y, std::int64_t stride);

/// grad_x[i] = grad_y[i] · activation'(x[i]). grad_x may be grad_y. Where HasGradientByResult, y is
/// read and not x, else x and not y; the other one may be null. At kinks as PyTorch:
/// relu'(0) = relu6'(0) = relu6'(6) = 0, leaky_relu'(0) = elu'(0) = slope, selu'(0) = λ·α, hard
/// sigmoid and hard swish as outside of -3 and 3.
void ActivationBackward(Activation activation, float slope, const float* x, const float* y,
                        const float* grad_y, std::int64_t count, float* grad_x);

}  // namespace espalier
