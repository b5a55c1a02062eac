// SPDX-License-Identifier: Apache-2.0

// Hard sigmoid and hard swish as exporters write them before there are operators for them:
//   Clip(x + 3, 0, 6) / 6, and x · Clip(x + 3, 0, 6) / 6 in any order;
// and hard sigmoids of another slope, which are those of a multiple: the factor can become a
// convolution's.

#include "import/composites.h"
#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {
namespace {

// value = Clip(x + 3, 0, 6); x is found.
bool TakeRamp(Pattern& pattern, const std::string& value, std::string& x) {
  const ForeignNode* const clip = pattern.Take(value, "Clip");
  if (clip == nullptr) return false;
  const auto bounds = ClipBounds(pattern.graph(), *clip);
  if (!bounds.has_value() || bounds->first != 0.0f || bounds->second != 6.0f) return false;
  const ForeignNode* const sum = pattern.Take(clip->Input(0), "Add");
  const std::string* const term = sum == nullptr ? nullptr : pattern.BesideNumber(*sum, 3.0);
  if (term == nullptr) return false;
  x = *term;
  return true;
}

// What is divided by 6, or null.
const std::string* Sixfold(const Pattern& pattern, const ForeignNode& node) {
  if (node.Is("Mul")) return pattern.BesideNumber(node, 1.0 / 6.0);
  return node.Is("Div") && pattern.IsNumber(node.Input(1), 6.0) ? &node.inputs[0] : nullptr;
}

// last = x · Clip(x + 3, 0, 6) / 6, the quotient taken of the product.
bool TakeHardSwish(Pattern& pattern, const ForeignNode& last, std::string& x) {
  const std::string* const product = Sixfold(pattern, last);
  const ForeignNode* const inner = product == nullptr ? nullptr : pattern.Take(*product, "Mul");
  if (inner == nullptr || inner->inputs.size() != 2) return false;
  const auto by = [&](std::size_t ramp) {
    return pattern.Either(
        [&] { return TakeRamp(pattern, inner->Input(ramp), x) && x == inner->Input(1 - ramp); });
  };
  return by(1) || by(0);
}

// Other slopes than 1/6, by which exporters mean the same function of a multiple.
void NormalizeSlopes(ForeignGraph& graph) {
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    if (!node->Is("HardSigmoid")) continue;
    const auto slope = static_cast<double>(node->Float("alpha", 0.2f));
    if (IsAbout(slope, 1.0 / 6.0) ||
        !IsAbout(static_cast<double>(node->Float("beta", 0.5f)), 0.5)) {
      continue;
    }
    const std::string x = node->Input(0);
    const std::string factor = graph.NewName("slope");
    graph.AddConstant(factor, ForeignTensor::OfFloats({}, {static_cast<float>(6.0 * slope)}));
    const std::string scaled = graph.NewName(x);
    const ForeignValue what = graph.Value(x);
    graph.InsertBefore(node, {.name = node->name,
                              .kind = "Mul",
                              .version = kArithmeticVersion,
                              .inputs = {x, factor},
                              .outputs = {scaled}});
    graph.Describe(scaled, what);
    ForeignNode normal = *node;
    normal.inputs = {scaled};
    normal.attributes["alpha"] = 1.0f / 6.0f;
    normal.attributes["beta"] = 0.5f;
    node = graph.Replace(node, std::move(normal));
  }
}

}  // namespace

void FuseHardSigmoid(ForeignGraph& graph, ImportReport& report) {
  NormalizeSlopes(graph);
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    Pattern pattern(graph);
    std::string x;
    const auto fits = [&] {
      return pattern.IsClosed(*node) && HaveSameDimensions(graph, x, node->outputs[0]);
    };
    if (pattern.Either([&] { return TakeHardSwish(pattern, *node, x) && fits(); })) {
      node = Fuse(graph, report, pattern, node,
                  {.kind = "HardSwish", .version = kHardSwishVersion, .inputs = {x}});
      continue;
    }
    const std::string* const ramp = Sixfold(pattern, *node);
    if (ramp == nullptr || !TakeRamp(pattern, *ramp, x) || !fits()) continue;
    ForeignNode sigmoid = {.kind = "HardSigmoid", .version = kHardSigmoidVersion, .inputs = {x}};
    sigmoid.attributes["alpha"] = 1.0f / 6.0f;
    sigmoid.attributes["beta"] = 0.5f;
    node = Fuse(graph, report, pattern, node, std::move(sigmoid));
  }
}

}  // namespace espalier
