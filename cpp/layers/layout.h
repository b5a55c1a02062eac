// SPDX-License-Identifier: Apache-2.0
#pragma once

// How values lie in memory inside plans. Images lie channels last: [channels, height, width] as
// [height, width, channels], so that vector lanes are channels. Tokens, [length, width], lie
// row-major, as everything does outside. Vectors, and values with one channel, lie the same in
// both.

#include <cstdint>

#include "core/thread_pool.h"
#include "espalier/shape.h"
#include "kernels/copies/image_layout.h"

namespace espalier {

enum class Layout : std::uint8_t {
  kChannelsLast,  ///< the first dimension last
  kRowMajor,      ///< as outside
};

inline ImageLayout LayoutOf(const Shape& shape) {
  return {.channels = shape[0], .positions = shape.element_count() / shape[0]};
}

/// True if values of that shape lie in both layouts as they do outside.
inline bool LiesAsOutside(const Shape& shape) { return LayoutOf(shape).IsTrivial(); }

/// True if values of that shape lie in `layout` as they do outside.
inline bool LiesAsOutside(const Shape& shape, Layout layout) {
  return layout == Layout::kRowMajor || LiesAsOutside(shape);
}

/// True if values of that shape lie the same in both.
inline bool LieAlike(const Shape& shape, Layout a, Layout b) {
  return a == b || LiesAsOutside(shape);
}

/// [batch, shape] as outside to channels last.
void ToChannelsLast(const Shape& shape, std::int64_t batch, const float* outside, float* inside,
                    Workspace& workspace);

/// The inverse.
void ToChannelsFirst(const Shape& shape, std::int64_t batch, const float* inside, float* outside,
                     Workspace& workspace);

}  // namespace espalier
