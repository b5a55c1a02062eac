// SPDX-License-Identifier: Apache-2.0

// What is added to a text's vectors [batch, length, width], the same for all texts: [length,
// width], positions that were looked up in a table of them.

#include "import/composites.h"
#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {

void FusePositionEmbedding(ForeignGraph& graph, ImportReport& report) {
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    if (!node->Is("Add") || node->inputs.size() != 2) continue;
    for (const std::size_t i : {0u, 1u}) {
      const std::string& x = node->Input(i);
      const ForeignTensor* const table = graph.Constant(node->Input(1 - i));
      const auto& dimensions = graph.Value(x).dimensions;
      if (table == nullptr || table->rank() < 2 || table->rank() > 3 || !dimensions.has_value() ||
          dimensions->size() != 3 || !dimensions->front().is_batch() ||
          dimensions->front().size != 1 || (table->rank() == 3 && table->dimensions()[0] != 1) ||
          !HaveSameDimensions(graph, x, node->outputs[0])) {
        continue;
      }
      const std::int64_t width = table->dimensions().back();
      const std::int64_t length = table->dimensions()[static_cast<std::size_t>(table->rank() - 2)];
      if (length < 2 || !(*dimensions)[1].is(length) || !(*dimensions)[2].is(width)) continue;
      node = Fuse(graph, report, Pattern(graph), node,
                  {.kind = "PositionEmbedding",
                   .domain = kCompositeDomain,
                   .version = kCompositeVersion,
                   .inputs = {x, node->Input(1 - i)}});
      break;
    }
  }
}

}  // namespace espalier
