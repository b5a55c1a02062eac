// SPDX-License-Identifier: Apache-2.0
#pragma once

// Products of which few elements are wanted: the sampled dense–dense product of a wide head
// with few labels, and what it needs on the way back.
//
// Bits: an element is summed in the order of matmul.h's, so that it does not show which of
// the two computed it. (One thing may differ: the sign of a zero that is a sum's underflow.)

#include <cstdint>

namespace espalier {

/// Rows of x [count, depth] with the columns wanted of each: entries
/// [begins[row · stride], begins[(row + 1) · stride]).
struct LabelledRows {
  const float* x = nullptr;
  std::int64_t count = 0;
  const std::int32_t* begins = nullptr;
  std::int64_t begins_stride = 1;
  const std::int32_t* columns = nullptr;  ///< by entry
};

/// results[e] = biases[columns[e]] + x[row of e] · weights[columns[e]], by entry.
/// weights [.., depth].
void LabelledProducts(const LabelledRows& rows, const float* weights, const float* biases,
                      std::int64_t depth, float* results);

/// result = Σ over e in [0, count) of factors[e] · matrix[rows[e]], in the order of e; zeros
/// if there is none. matrix [.., width], result [width].
void CombineRows(const float* matrix, std::int64_t width, const std::int32_t* rows,
                 const float* factors, std::int64_t count, float* result);

}  // namespace espalier
