// SPDX-License-Identifier: Apache-2.0

// Softplus: Log(Exp(x) + 1).

#include "import/composites.h"
#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {

void FuseSoftplus(ForeignGraph& graph, ImportReport& report) {
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    if (!node->Is("Log")) continue;
    Pattern pattern(graph);
    const ForeignNode* const sum = pattern.Take(node->Input(0), "Add");
    const std::string* const power = sum == nullptr ? nullptr : pattern.BesideNumber(*sum, 1.0);
    const ForeignNode* const exp = power == nullptr ? nullptr : pattern.Take(*power, "Exp");
    if (exp == nullptr || !pattern.IsClosed(*node) ||
        !HaveSameDimensions(graph, exp->Input(0), node->outputs[0])) {
      continue;
    }
    node = Fuse(graph, report, pattern, node,
                {.kind = "Softplus", .version = 1, .inputs = {exp->Input(0)}});
  }
}

}  // namespace espalier
