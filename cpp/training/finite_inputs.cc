// SPDX-License-Identifier: Apache-2.0
#include "training/finite_inputs.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "kernels/reductions/reduction.h"

namespace espalier {

std::int64_t FirstNonFiniteRow(const float* values, std::int64_t rows, std::int64_t row_floats) {
  if (AllFinite(values, rows * row_floats)) return -1;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (!AllFinite(values + row * row_floats, row_floats)) return row;
  }
  return -1;
}

void CheckFiniteInputs(std::int64_t batch, InputPointers& inputs) {
  const auto check = [batch](const std::string& name, const float* values, std::int64_t floats) {
    const std::int64_t row = FirstNonFiniteRow(values, batch, floats);
    if (row < 0) return;
    const float* const first = values + row * floats;
    const float* const bad =
        std::find_if(first, first + floats, [](float value) { return !std::isfinite(value); });
    Fail(ErrorCode::kNonFinite, name, ": expected finite values, got ", *bad, " in row ", row,
         " at place ", bad - first);
  };
  const std::vector<InputFormat>& formats = inputs.formats();
  if (inputs.must_split()) {
    check("inputs", inputs.rows(), FloatsOf(formats));
    return;
  }
  const std::span<const float* const> values = inputs.At(0);
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (formats[i].value.type != ElementType::kFloat32) continue;
    check(formats.size() == 1 ? std::string("inputs") : Concat("input '", formats[i].name, "'"),
          values[i], formats[i].floats);
  }
}

bool IsFiniteExample(std::int64_t example, InputPointers& inputs) {
  const std::vector<InputFormat>& formats = inputs.formats();
  if (inputs.must_split()) {
    const std::int64_t floats = FloatsOf(formats);
    return FirstNonFiniteRow(inputs.rows() + example * floats, 1, floats) < 0;
  }
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
