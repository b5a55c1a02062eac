// SPDX-License-Identifier: Apache-2.0
#include "training/finite.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "kernels/reduction.h"

namespace espalier {

std::int64_t FirstNonFiniteRow(const float* values, std::int64_t rows, std::int64_t row_floats) {
  if (AllFinite(values, rows * row_floats)) return -1;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (!AllFinite(values + row * row_floats, row_floats)) return row;
  }
  return -1;
}

void CheckFiniteInputs(const float* inputs, std::int64_t rows, std::int64_t row_floats) {
  const std::int64_t row = FirstNonFiniteRow(inputs, rows, row_floats);
  if (row < 0) return;
  const float* const first = inputs + row * row_floats;
  const float* const bad =
      std::find_if(first, first + row_floats, [](float value) { return !std::isfinite(value); });
  Fail(ErrorCode::kNonFinite, "inputs: expected finite values, got ", *bad, " in row ", row,
       " at place ", bad - first);
}

}  // namespace espalier
