// SPDX-License-Identifier: Apache-2.0

// Activations that are x times a function of x: SiLU, x · Sigmoid(x); hard swish, x ·
// HardSigmoid(x) with alpha 1/6 and beta 1/2; mish, x · Tanh(Softplus(x)).

#include "import/composites.h"
#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {
namespace {

// The node that stands for x · value, or one without a kind.
ForeignNode GatedBy(Pattern& pattern, const std::string& value, const std::string& x) {
  ForeignNode result;
  const bool is_known = pattern.Either(
      [&] {
        const ForeignNode* const gate = pattern.Take(value, "Sigmoid");
        result = {.kind = "Silu", .domain = kCompositeDomain, .version = kCompositeVersion};
        return gate != nullptr && gate->Input(0) == x;
      },
      [&] {
        const ForeignNode* const gate = pattern.Take(value, "HardSigmoid");
        result = {.kind = "HardSwish", .version = kHardSwishVersion};
        return gate != nullptr && gate->Input(0) == x &&
               IsAbout(static_cast<double>(gate->Float("alpha", 0.2f)), 1.0 / 6.0) &&
               IsAbout(static_cast<double>(gate->Float("beta", 0.5f)), 0.5);
      },
      [&] {
        const ForeignNode* const gate = pattern.Take(value, "Tanh");
        const ForeignNode* const softplus =
            gate == nullptr ? nullptr : pattern.Take(gate->Input(0), "Softplus");
        result = {.kind = "Mish", .version = kMishVersion};
        return softplus != nullptr && softplus->Input(0) == x;
      });
  if (!is_known) return {};
  result.inputs = {x};
  return result;
}

}  // namespace

void FuseGates(ForeignGraph& graph, ImportReport& report) {
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    if (!node->Is("Mul") || node->inputs.size() != 2) continue;
    for (const std::size_t i : {0u, 1u}) {
      Pattern pattern(graph);
      ForeignNode gated = GatedBy(pattern, node->Input(1 - i), node->Input(i));
      if (gated.kind.empty() || !pattern.IsClosed(*node)) continue;
      node = Fuse(graph, report, pattern, node, std::move(gated));
      break;
    }
  }
}

}  // namespace espalier
