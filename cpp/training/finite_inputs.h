// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finding NaN and infinity before they reach parameters.

#include <cstdint>
#include <vector>

#include "network/input_pointers.h"

namespace espalier {

/// The first of `rows` rows of `row_floats` floats that holds a NaN or an infinity, or -1.
std::int64_t FirstNonFiniteRow(const float* values, std::int64_t rows, std::int64_t row_floats);

/// Throws NON_FINITE naming row, place and value of the first NaN or infinity among the floats that
/// a network reads.
void CheckFiniteInputs(std::int64_t batch, InputPointers& inputs);

/// True if no float that a network reads in one example is NaN or infinite.
bool IsFiniteExample(std::int64_t example, InputPointers& inputs);

}  // namespace espalier
