// SPDX-License-Identifier: Apache-2.0
#pragma once

// Scaled dot-product attention of one head, in tiles: scores are kept for a few queries and keys at
// a time, and softmax goes along with a running maximum and sum. So memory and traffic grow with
// the length, not with its square.
//
// Source: Dao, Fu, Ermon, Rudra and Ré, 2022, arXiv:2205.14135.

#include <cstdint>

namespace espalier {

/// Rows of `width` floats, `stride` floats apart.
struct HeadRows {
  float* data;
  std::int64_t stride;
};
struct ConstHeadRows {
  const float* data;
  std::int64_t stride;
};

/// One head of one example: output[i] = Σ p[i][j] · v[j] over its keys j,
/// p[i] = softmax of scale · q[i]·k[j]. With is_causal a query i has the keys j ≤ i alone (though a
/// later v[j] that is not finite may spoil its output). Without keys outputs and gradients are 0.
struct AttentionHead {
  ConstHeadRows q;  ///< [queries, width]
  ConstHeadRows k;  ///< [keys, width], as v
  ConstHeadRows v;
  std::int64_t queries;
  std::int64_t keys;
  std::int64_t width;
  float scale;  ///< above 0
  bool is_causal;
};

/// Queries that one call of AttentionForward takes at most.
inline constexpr std::int64_t kAttentionQueries = 128;

/// Scratch floats for both functions.
std::int64_t AttentionScratchFloats(std::int64_t width);

/// output[i] for queries [first, last); `first` a multiple of kAttentionQueries. log_sums (may be
/// null), [queries]: log2 Σ exp(scale · q[i]·k[j]), for Backward. A query's bits depend on itself
/// and its keys alone.
void AttentionForward(const AttentionHead& head, std::int64_t first, std::int64_t last,
                      const HeadRows& output, float* log_sums, float* scratch);

/// Gradients of q, k and v, each unless its data are null.
struct AttentionGradients {
  HeadRows q;
  HeadRows k;
  HeadRows v;
};

/// What AttentionForward left, and the gradient of its output.
struct AttentionResults {
  ConstHeadRows output;
  ConstHeadRows grad_output;
  const float* log_sums;
};

/// All gradients of a head. `means` gets Σ grad_output · output of each query.
void AttentionBackward(const AttentionHead& head, const AttentionResults& results,
                       const AttentionGradients& gradients, float* means, float* scratch);

}  // namespace espalier
