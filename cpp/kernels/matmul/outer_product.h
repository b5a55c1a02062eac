// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums of outer products, C = Aᵀ·B for two matrices whose rows are the terms: the gradient of
// weights from rows of inputs and rows of output gradients, neither of them rearranged.
// Internal to kernels/.

#include <cstdint>

namespace espalier {

/// c[i][j] (+)= Σ_g Σ_s Σ_k a[g · a_group_stride + s · a_segment_stride + k · a_stride + i]
///                         · b[g · b_group_stride + s · b_segment_stride + k · b_stride + j],
/// one chain of multiply-adds over (g, s, k) in order. Strides in floats.
struct OuterProduct {
  const float* a;
  std::int64_t a_stride, a_segment_stride;
  const float* b;
  std::int64_t b_stride, b_segment_stride;
  std::int64_t segments, depth;
  std::int64_t rows, columns;
  float* c;
  std::int64_t c_stride;
  bool accumulates;         ///< the chain begins with what c holds
  std::int64_t groups = 1;  ///< of segments
  std::int64_t a_group_stride = 0, b_group_stride = 0;
};
void SumOuterProducts(const OuterProduct& product);

}  // namespace espalier
