// SPDX-License-Identifier: Apache-2.0
#pragma once

// Passes find what exporters write as many nodes, and put one operator in its place
// (import/composites.h). They see the graph after folding: dimensions are known, constants are
// constants, and every shape that a node is told is a constant but for the batch.

#include <span>

#include "espalier/import.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Rewrites what it finds, adds it to `report.fused`, and leaves what it does not know. What became
/// useless it may leave too.
using ForeignPass = void (*)(ForeignGraph& graph, ImportReport& report);

/// In the order in which they run.
std::span<const ForeignPass> ForeignPasses();

/// MatMul by a constant, and Add of another: one node "Dense" of kCompositeDomain.
void FuseDense(ForeignGraph& graph, ImportReport& report);

}  // namespace espalier
