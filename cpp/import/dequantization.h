// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "import/foreign_tensor.h"

namespace espalier {

/// (x - zero_point) * scale as float32, the last two one for all or one for each index of `axis`,
/// which counts from behind if negative. `zero_point` may be null. Throws Error: MODEL_FILE if they
/// are not as many.
ForeignTensor Dequantized(const ForeignTensor& x, const ForeignTensor& scale,
                          const ForeignTensor* zero_point, std::int64_t axis);

}  // namespace espalier
