// SPDX-License-Identifier: Apache-2.0
#pragma once

// Layers of one value and a number, for operators that no single layer computes.

#include <array>
#include <string_view>

#include "import/node_lowering.h"

namespace espalier {

/// A number as a value that does not train.
LoweredValue Number(NodeLowering& node, double number);

/// A layer of two inputs ("mul", "max", …) of `value` and a number.
LoweredValue WithNumber(NodeLowering& node, const char* kind, const LoweredValue& value,
                        double number);

inline LoweredValue Join(NodeLowering& node, const char* kind, const LoweredValue& a,
                         const LoweredValue& b) {
  return node.Add(kind, {}, std::array{a, b}, kind);
}

}  // namespace espalier
