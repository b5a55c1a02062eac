// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finding NaN and infinity before they reach parameters.

#include <cstdint>

namespace espalier {

/// The first of `rows` rows of `row_floats` floats that holds a NaN or an infinity, or -1.
std::int64_t FirstNonFiniteRow(const float* values, std::int64_t rows, std::int64_t row_floats);

/// Throws NON_FINITE naming row, place and value of the first non-finite input.
void CheckFiniteInputs(const float* inputs, std::int64_t rows, std::int64_t row_floats);

}  // namespace espalier
