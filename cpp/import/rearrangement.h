// SPDX-License-Identifier: Apache-2.0
#pragma once

// Operators that only move elements, as lists of where each comes from.

#include <cstdint>
#include <optional>
#include <vector>

#include "import/foreign_graph.h"

namespace espalier {

struct Rearrangement {
  std::vector<std::int64_t> dimensions;
  /// For each element of the result, its place among those of the first input, or, where `of_all`,
  /// among those of all inputs, one input after another. Empty: they stay in order.
  std::vector<std::int64_t> sources;
  bool in_order = false;
  bool of_all = false;
};

/// What a node does to its first input, which is known. One for each output; none if it is no such
/// operator, or what it is told is not known. Throws Error: MODEL_FILE if that does not fit.
std::vector<Rearrangement> Rearrange(const ForeignGraph& graph, const ForeignNode& node,
                                     std::int64_t most_elements);

}  // namespace espalier
