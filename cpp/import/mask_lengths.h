// SPDX-License-Identifier: Apache-2.0
#pragma once

// Masks that tell the valid positions of texts are ones, then zeros. Networks here are told how
// many ones there are instead.

#include <string>

#include "espalier/import.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Adds the input that says how many elements of the input `mask`, [batch, length], are 1. Its
/// name.
std::string AddLengths(ForeignGraph& graph, const std::string& mask);

/// What still reads `mask` reads what follows from `lengths` from now on; the input `mask` is no
/// more, and the report says so.
void ReplaceMask(ForeignGraph& graph, ImportReport& report, const std::string& mask,
                 const std::string& lengths);

}  // namespace espalier
