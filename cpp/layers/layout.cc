// SPDX-License-Identifier: Apache-2.0
#include "layers/layout.h"

#include "layers/partition.h"

namespace espalier {

void ToChannelsLast(const Shape& shape, std::int64_t batch, const float* outside, float* inside,
                    Workspace& workspace) {
  const ImageLayout layout = LayoutOf(shape);
  ForPositions(workspace, layout, batch,
               [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
                 ToChannelsLast(layout, first, last, outside + offset, inside + offset);
               });
}

void ToChannelsFirst(const Shape& shape, std::int64_t batch, const float* inside, float* outside,
                     Workspace& workspace) {
  const ImageLayout layout = LayoutOf(shape);
  ForPositions(workspace, layout, batch,
               [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
                 ToChannelsFirst(layout, first, last, inside + offset, outside + offset);
               });
}

}  // namespace espalier
