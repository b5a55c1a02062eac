// SPDX-License-Identifier: Apache-2.0

// MatMul by a constant matrix and Add of a constant vector: a dense layer with a bias.

#include <string>
#include <utility>
#include <vector>

#include "import/composites.h"
#include "import/passes.h"

namespace espalier {
namespace {

// A bias of as many elements as the matrix has columns, along the last dimension.
bool IsBias(const ForeignTensor* bias, std::int64_t columns) {
  return bias != nullptr && IsFloatType(bias->type()) && bias->element_count() == columns &&
         bias->rank() >= 1 && bias->dimensions().back() == columns;
}

}  // namespace

void FuseDense(ForeignGraph& graph, ImportReport& report) {
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    if (!node->Is("Add") || node->inputs.size() != 2) continue;
    for (const std::size_t i : {0u, 1u}) {
      const auto product = graph.Producer(node->Input(i));
      if (product == graph.nodes().end() || !product->Is("MatMul") ||
          !graph.HasOneUse(node->Input(i))) {
        continue;
      }
      const ForeignTensor* const matrix = graph.Constant(product->Input(1));
      const bool has_matrix =
          matrix != nullptr && matrix->rank() == 2 && graph.Constant(product->Input(0)) == nullptr;
      if (!has_matrix || !IsBias(graph.Constant(node->Input(1 - i)), matrix->dimensions()[1])) {
        continue;
      }
      const auto& dimensions = graph.Value(node->outputs[0]).dimensions;
      const auto& rows = graph.Value(product->outputs[0]).dimensions;
      if (!dimensions || !rows || dimensions->size() != rows->size()) continue;
      ForeignNode dense{.name = product->name.empty() ? node->name : product->name,
                        .kind = "Dense",
                        .domain = kCompositeDomain,
                        .version = kCompositeVersion,
                        .inputs = {product->Input(0), product->Input(1), node->Input(1 - i)},
                        .outputs = node->outputs};
      report.fused.push_back({.kind = "Dense", .value = node->outputs[0], .nodes = 2});
      node = graph.Replace(node, std::move(dense));
      break;
    }
  }
}

}  // namespace espalier
