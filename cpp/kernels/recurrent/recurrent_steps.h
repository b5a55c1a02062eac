// SPDX-License-Identifier: Apache-2.0
#pragma once

// What one step of an LSTM or a GRU does once its two matrix products are there: those of the
// input, x_k, and of the state before the step, s_k, biases included. For one example, whose state
// has `hidden` elements; an array of gates has them one gate after the other.

#include <cstdint>

namespace espalier {

/// Gates that an array of either kind has room for.
inline constexpr std::int64_t kRecurrentGates = 4;

/// i, f, o = sigmoid(x + s), g = tanh(x + s); c' = f·c + i·g; h' = o·tanh(c').
///
/// recurrent: s of i, f, g, o, [4 · hidden]. gates: x of the same, becomes the gates. cell: c,
/// becomes c'. state: becomes h'.
///
/// Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of
/// Gers, Schmidhuber and Cummins, 2000.
void LstmStep(std::int64_t hidden, const float* recurrent, float* gates, float* cell, float* state);

/// gates: as LstmStep left them; cell: c before the step. grad_state: of h', becomes what of it is
/// h's without the product: 0. grad_cell: of c', becomes that of c. grad_gates: of x and s, which
/// are the same.
void LstmStepBackward(std::int64_t hidden, const float* gates, const float* cell, float* grad_state,
                      float* grad_cell, float* grad_gates);

/// r, z = sigmoid(x + s), n = tanh(x_n + r·s_n); h' = (1 - z)·n + z·h.
///
/// recurrent: s of r, z, n, [3 · hidden]. gates: x of the same in the first 3 · hidden elements of
/// 4 · hidden, becomes r, z, n and s_n. state: h, becomes h'.
///
/// Source: Cho et al., 2014, arXiv:1406.1078, with the reset gate behind the product as in cuDNN
/// and PyTorch.
void GruStep(std::int64_t hidden, const float* recurrent, float* gates, float* state);

/// gates: as GruStep left them; state: h before the step. grad_state: of h', becomes what of it is
/// h's without the product. grad_gates: of x_r, x_z, which are those of s_r and s_z, x_n and s_n.
void GruStepBackward(std::int64_t hidden, const float* gates, const float* state, float* grad_state,
                     float* grad_gates);

}  // namespace espalier
