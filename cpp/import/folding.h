// SPDX-License-Identifier: Apache-2.0
#pragma once

// What can be said of a graph before anything runs: types, dimensions, and values that follow from
// constants and shapes alone. The number of examples stays open: it is a symbol.

#include <string>
#include <unordered_map>

#include "espalier/import.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Why nothing is known of a node's outputs.
using UnknownReasons = std::unordered_map<const ForeignNode*, std::string>;

/// Gives each dimension of the inputs its size, or the batch. Throws Error: INVALID_ARGUMENT with
/// all that the options leave open, or with what they say and the graph does not have.
void BindInputs(ForeignGraph& graph, const ImportOptions& options);

/// Finds type and dimensions of each value, after BindInputs, and makes constants of what can be
/// known. Nodes without a result are left, for RemoveDead. Adds to report.folded.
UnknownReasons Fold(ForeignGraph& graph, ImportReport& report);

}  // namespace espalier
