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

/// A GRU that resets the state before the product, r, z = sigmoid(x + s), and then, with the
/// product s_n of r·h, n = tanh(x_n + s_n); h' = (1 - z)·n + z·h: the first half.
///
/// recurrent: s of r, z, [2 · hidden]. gates: x of r, z, n in the first 3 · hidden elements of
/// 4 · hidden; those of r and z become the gates, the last hidden ones r·h. reset: becomes r·h too.
///
/// Source: Cho et al., 2014, arXiv:1406.1078.
void GruReset(std::int64_t hidden, const float* recurrent, const float* state, float* gates,
              float* reset);

/// The second half. candidate: s_n, [hidden]. gates: as GruReset left them; x_n becomes n. state:
/// h, becomes h'.
void GruCandidate(std::int64_t hidden, const float* candidate, float* gates, float* state);

/// Of the second half. gates: as GruCandidate left them; state: h before the step. grad_state: of
/// h', becomes what of it is h's without either product. grad_gates: of x_z and x_n, which are
/// those of s_z and s_n; those of r and the last hidden elements become 0.
void GruCandidateBackward(std::int64_t hidden, const float* gates, const float* state,
                          float* grad_state, float* grad_gates);

/// Of the first half. grad_reset: of r·h. grad_state: is added what of that is h's. grad_gates: of
/// x_r, which is that of s_r.
void GruResetBackward(std::int64_t hidden, const float* gates, const float* state,
                      const float* grad_reset, float* grad_state, float* grad_gates);

}  // namespace espalier
