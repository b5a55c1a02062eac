// SPDX-License-Identifier: Apache-2.0
#pragma once

// Choice between two arrays, element by element.

#include <cstdint>

namespace espalier {

/// y[i] = condition[i] is not 0 (NaN is not) ? a[i] : b[i]. An array that is null is 0 everywhere.
/// y may be any of the others.
void SelectArrays(const float* condition, const float* a, const float* b, std::int64_t count,
                  float* y);

}  // namespace espalier
