// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arithmetic on whole arrays, element by element.

#include <cstdint>

namespace espalier {

/// y[i] = a[i] + b[i]. y may be a or b.
void AddArrays(const float* a, const float* b, std::int64_t count, float* y);

}  // namespace espalier
