// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values repeated along dimensions of size 1, and along new ones before the first; row-major.

#include <cstdint>

#include "core/thread_pool.h"
#include "espalier/shape.h"

namespace espalier {

/// `output`, of a whole batch: each dimension of `from`, aligned at the last, is that of `to`,
/// or 1.
void ExpandExamples(const Shape& from, const Shape& to, std::int64_t batch, const float* input,
                    float* output, Workspace& workspace);

/// The gradient of the input: for each element the sum over the places where it was repeated, in an
/// order that depends on the shapes alone.
void SumExpandedExamples(const Shape& from, const Shape& to, std::int64_t batch,
                         const float* grad_output, float* grad_input, Workspace& workspace);

}  // namespace espalier
