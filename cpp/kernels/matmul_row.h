// SPDX-License-Identifier: Apache-2.0
#pragma once

// The product of one row, as of a prediction for one example. Internal to kernels/.

#include <cstdint>

#include "kernels/matmul.h"

namespace espalier {

struct RowProduct {
  const float* a;  ///< [k]
  std::int64_t k;
  const float* packed_b;  ///< from PackB
  std::int64_t n;         ///< at least 1
  float* c;               ///< [n]
  PanelOrder order;
};

/// The same chains of multiply-adds as for a row among others, straight to the register tiles:
/// cutting a matrix into blocks takes as long as a small product. Does not accumulate.
void MultiplyRow(const RowProduct& product, const Epilogue& epilogue);

}  // namespace espalier
