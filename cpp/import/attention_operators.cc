// SPDX-License-Identifier: Apache-2.0

// What transformers are made of; passes find it (import/composites.h).

#include <array>
#include <cmath>
#include <vector>

#include "import/composites.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"

namespace espalier {
namespace {

void LowerAttention(NodeLowering& node) {
  const bool is_packed = node.node().Integer("packed", 0) != 0;
  std::vector<LoweredValue> inputs = {node.Data(0)};
  if (!is_packed) inputs.insert(inputs.end(), {node.Data(1), node.Data(2)});
  if (node.HasInput(3)) {
    LoweredValue lengths = node.Data(3, ElementType::kInt32);
    if (lengths.shape != Shape{1}) {
      Refuse("expected lengths [batch] or [batch, 1], got ", ToString(node.Dimensions(3)));
    }
    inputs.push_back(lengths);
  }
  Attributes attributes = {{"heads", node.node().Integer("heads", 1)},
                           {"causal", node.node().Integer("causal", 0) != 0},
                           {"packed", is_packed}};
  const float scale = node.node().Float("scale", 0.0f);
  if (scale != 0.0f) attributes["scale"] = static_cast<double>(scale);
  node.Finish("attention", attributes, inputs);
}

void InferTokenPool(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  facts.SetOutput(0, facts.Type(0), {x[0], x[2]});
}

void LowerTokenPool(NodeLowering& node) {
  node.Finish("token_pool", {}, std::array{node.Data(0), node.Data(1, ElementType::kInt32)});
}

void LowerPositionEmbedding(NodeLowering& node) {
  const ForeignTensor& table = node.RequiredConstant(1, "table of positions");
  node.NameAfter(1);
  const LoweredValue x = node.Data(0);
  const LoweredValue sum = node.Add("position_embedding", {{"max_length", x.shape[0]}}, x);
  node.SetParameter(sum, "weight", table);
  node.SetOutput(0, sum);
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "MultiHeadAttention",
     .domain = kCompositeDomain,
     .infer = InferLikeFirst,
     .lower = LowerAttention},
    {.kind = "TokenPool",
     .domain = kCompositeDomain,
     .infer = InferTokenPool,
     .lower = LowerTokenPool},
    {.kind = "PositionEmbedding",
     .domain = kCompositeDomain,
     .infer = InferLikeFirst,
     .lower = LowerPositionEmbedding},
};

}  // namespace

std::span<const ForeignOperator> AttentionOperators() { return kOperators; }

}  // namespace espalier
