// SPDX-License-Identifier: Apache-2.0
#pragma once

// How values lie in memory inside plans: with their first dimension, the channels, last. A
// value [channels, height, width] lies as [height, width, channels], so that vector lanes
// are channels everywhere. Vectors, and values with one channel, lie as outside.

#include <cstdint>

#include "core/thread_pool.h"
#include "espalier/shape.h"
#include "kernels/image_layout.h"

namespace espalier {

inline ImageLayout LayoutOf(const Shape& shape) {
  return {.channels = shape[0], .positions = shape.element_count() / shape[0]};
}

/// True if values of that shape lie inside plans as they do outside.
inline bool LiesAsOutside(const Shape& shape) { return LayoutOf(shape).IsTrivial(); }

/// [batch, shape] as outside to how it lies inside plans.
void MoveInside(const Shape& shape, std::int64_t batch, const float* outside, float* inside,
                Workspace& workspace);

/// The inverse.
void MoveOutside(const Shape& shape, std::int64_t batch, const float* inside, float* outside,
                 Workspace& workspace);

}  // namespace espalier
