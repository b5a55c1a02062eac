// SPDX-License-Identifier: Apache-2.0
#include "import/scaled.h"

namespace espalier {

LoweredValue Number(NodeLowering& node, double number) {
  return node.Fixed(Shape{1}, {static_cast<float>(number)});
}

LoweredValue WithNumber(NodeLowering& node, const char* kind, const LoweredValue& value,
                        double number) {
  return Join(node, kind, value, Number(node, number));
}

}  // namespace espalier
