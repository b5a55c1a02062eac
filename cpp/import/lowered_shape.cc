// SPDX-License-Identifier: Apache-2.0
#include "import/lowered_shape.h"

#include <vector>

namespace espalier {

int LoweredAxis(const ForeignDimensions& dimensions, int axis) {
  const int batch = BatchAxis(dimensions);
  if (axis == batch) Refuse("expected an axis within an example, got that of the examples");
  const bool is_dropped = batch >= 0 && dimensions[static_cast<std::size_t>(batch)].size == 1;
  return is_dropped && axis > batch ? axis - 1 : axis;
}

LoweredValue AsOutput(NodeLowering& node, const LoweredValue& value) {
  const Shape shape = LoweredShape(node.OutputDimensions());
  if (value.shape == shape) return value;
  const auto sizes = shape.dimensions();
  return node.Add("reshape", {{"shape", std::vector<std::int64_t>(sizes.begin(), sizes.end())}},
                  value, "shaped");
}

}  // namespace espalier
