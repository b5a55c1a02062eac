// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arithmetic on whole arrays, element by element.

#include <cstdint>

namespace espalier {

/// y[i] = a[i] + b[i]. y may be a or b.
void AddArrays(const float* a, const float* b, std::int64_t count, float* y);

/// y[i] = factors[i] == 0 ? 0 : x[i] · factors[i], so that what is dropped cannot spread
/// NaN. y may be x.
void MultiplySelected(const float* x, const float* factors, std::int64_t count, float* y);

}  // namespace espalier
