// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/matmul/matmul.h"
#include "testing/guarded_floats.h"

namespace espalier::testing {

/// MatmulPacked with the scratch it asks for and not a float more.
inline void MultiplyPacked(const MatrixRef& a, const float* packed_b, std::int64_t n, float* c,
                           std::int64_t c_stride, const Epilogue& epilogue,
                           PanelOrder order = PanelOrder::kForward) {
  GuardedFloats scratch(static_cast<std::size_t>(MatmulPackedScratchFloats(a)));
  MatmulPacked(a, packed_b, n, c, c_stride, epilogue, scratch.data(), order);
}

}  // namespace espalier::testing
