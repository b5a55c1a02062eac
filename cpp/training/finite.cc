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

void CheckFiniteInputs(const std::vector<InputFormat>& formats, std::int64_t batch,
                       InputPointers& inputs) {
  const std::span<const float* const> values = inputs.At(0);
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (formats[i].value.type != ElementType::kFloat32) continue;
    const std::int64_t row = FirstNonFiniteRow(values[i], batch, formats[i].floats);
    if (row < 0) continue;
    const float* const first = values[i] + row * formats[i].floats;
    const float* const bad = std::find_if(first, first + formats[i].floats,
                                          [](float value) { return !std::isfinite(value); });
    Fail(ErrorCode::kNonFinite,
         formats.size() == 1 ? std::string("inputs") : Concat("input '", formats[i].name, "'"),
         ": expected finite values, got ", *bad, " in row ", row, " at place ", bad - first);
  }
}

bool IsFiniteExample(const std::vector<InputFormat>& formats, std::int64_t example,
                     InputPointers& inputs) {
  const std::span<const float* const> values = inputs.At(example);
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (formats[i].value.type == ElementType::kFloat32 &&
        FirstNonFiniteRow(values[i], 1, formats[i].floats) >= 0) {
      return false;
    }
  }
  return true;
}

}  // namespace espalier
