// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "import/foreign_graph.h"

namespace espalier {

/// A value that an input of ones and zeros decides, [batch, length], whose element i decides all
/// elements i of its last dimension: what they are where the mask is 1, and where it is 0.
struct MaskTrace {
  std::string mask;  ///< the input; empty if the value is the same everywhere
  double at_one = 0.0;
  double at_zero = 0.0;
};

/// How a value follows from a mask: by casts, new dimensions, arithmetic with numbers, comparisons
/// and selections. Nothing if it does not.
std::optional<MaskTrace> TraceMask(const ForeignGraph& graph, const std::string& value);

}  // namespace espalier
