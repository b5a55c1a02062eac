// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "espalier/import.h"
#include "import/foreign_graph.h"

namespace espalier {

/// What follows once a front end has read a model: binding, folding, passes and lowering. Throws
/// Error as ImportOnnx does.
Network NetworkOf(ForeignGraph graph, const ImportOptions& options, ImportReport& report);

}  // namespace espalier
