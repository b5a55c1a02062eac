// SPDX-License-Identifier: Apache-2.0

// Layer norm as exporters write it where ONNX has no operator for it, before version 17:
//   d = x - ReduceMean(x); y = d / Sqrt(ReduceMean(d²) + epsilon) · scale + bias
// with d² as Pow or Mul, d once or twice, the quotient as Div or as Mul by the Reciprocal, and
// scale and bias or neither. Of the last dimension, or of the last few.

#include <algorithm>

#include "import/composites.h"
#include "import/node_facts.h"
#include "import/passes.h"
#include "import/pattern.h"

namespace espalier {
namespace {

struct LayerNormMatch {
  std::string x;
  int dimensions = 0;  // that are normalized: the last ones
  float epsilon = 0.0f;
};

// How many dimensions a mean that keeps them is of, if it is of the last ones; else 0.
int LastDimensionsOf(const ForeignGraph& graph, const ForeignNode& mean) {
  const int rank = RankOf(graph, mean.Input(0));
  if (rank < 1 || mean.Integer("keepdims", 1) != 1) return 0;
  if (mean.HasInput(1) && graph.Constant(mean.Input(1)) == nullptr) return 0;
  auto axes = IntegersOfNode(graph, mean, "axes", 1);
  if (!axes.has_value() || axes->empty()) return 0;
  for (std::int64_t& axis : *axes) axis = axis < 0 ? axis + rank : axis;
  std::sort(axes->begin(), axes->end());
  const int count = static_cast<int>(axes->size());
  for (int i = 0; i < count; ++i) {
    if ((*axes)[static_cast<std::size_t>(i)] != rank - count + i) return 0;
  }
  return count;
}

// value = x - ReduceMean(x)
bool TakeDeviation(Pattern& pattern, const std::string& value, LayerNormMatch& match) {
  const ForeignNode* const difference = pattern.Take(value, "Sub");
  if (difference == nullptr) return false;
  const ForeignNode* const mean = pattern.Take(difference->Input(1), "ReduceMean");
  if (mean == nullptr || mean->Input(0) != difference->Input(0)) return false;
  match.x = mean->Input(0);
  match.dimensions = LastDimensionsOf(pattern.graph(), *mean);
  return match.dimensions > 0;
}

// value = Sqrt(ReduceMean(d²) + epsilon), of the same x.
bool TakeStandardDeviation(Pattern& pattern, const std::string& value, LayerNormMatch& match) {
  const ForeignGraph& graph = pattern.graph();
  const ForeignNode* const root = pattern.Take(value, "Sqrt");
  const ForeignNode* const sum = root == nullptr ? nullptr : pattern.Take(root->Input(0), "Add");
  if (sum == nullptr) return false;
  const std::size_t constant = graph.Scalar(sum->Input(1)).has_value() ? 1 : 0;
  const std::optional<float> epsilon = graph.Scalar(sum->Input(constant));
  if (!epsilon.has_value()) return false;
  match.epsilon = *epsilon;
  const ForeignNode* const variance = pattern.Take(sum->Input(1 - constant), "ReduceMean");
  if (variance == nullptr || LastDimensionsOf(graph, *variance) != match.dimensions) return false;
  LayerNormMatch again;
  const bool is_square = pattern.Either(
      [&] {
        const ForeignNode* const power = pattern.Take(variance->Input(0), "Pow");
        return power != nullptr && pattern.IsNumber(power->Input(1), 2.0) &&
               TakeDeviation(pattern, power->Input(0), again);
      },
      [&] {
        const ForeignNode* const product = pattern.Take(variance->Input(0), "Mul");
        return product != nullptr && product->Input(0) == product->Input(1) &&
               TakeDeviation(pattern, product->Input(0), again);
      });
  return is_square && again.x == match.x && again.dimensions == match.dimensions;
}

bool TakeNormalized(Pattern& pattern, const ForeignNode& last, LayerNormMatch& match) {
  if (last.inputs.size() != 2) return false;
  if (last.Is("Div")) {
    return TakeDeviation(pattern, last.Input(0), match) &&
           TakeStandardDeviation(pattern, last.Input(1), match);
  }
  const auto by_reciprocal = [&](std::size_t factor) {
    return pattern.Either([&] {
      const ForeignNode* const reciprocal = pattern.Take(last.Input(factor), "Reciprocal");
      return reciprocal != nullptr && TakeDeviation(pattern, last.Input(1 - factor), match) &&
             TakeStandardDeviation(pattern, reciprocal->Input(0), match);
    });
  };
  return last.Is("Mul") && (by_reciprocal(1) || by_reciprocal(0));
}

// True if the only reader of what `last` makes joins it, as a `kind`, with a constant that has the
// dimensions that are normalized and nothing more: the reader is `last` then, `name` the constant.
bool TakeAffine(Pattern& pattern, const char* kind, const LayerNormMatch& match,
                ForeignGraph::Node& last, std::string& name) {
  const ForeignGraph& graph = pattern.graph();
  const std::string& value = last->outputs[0];
  if (!graph.HasOneUse(value)) return false;
  const ForeignGraph::Node reader = graph.Consumers(value)[0];
  if (!reader->Is(kind) || reader->inputs.size() != 2) return false;
  name = reader->Input(reader->Input(0) == value ? 1 : 0);
  const ForeignTensor* const constant = graph.Constant(name);
  if (constant == nullptr || constant->rank() != match.dimensions) return false;
  for (int i = 0; i < match.dimensions; ++i) {
    if (constant->dimensions()[static_cast<std::size_t>(i)] !=
        SizeOf(graph, match.x, i - match.dimensions)) {
      return false;
    }
  }
  pattern.Take(last);
  last = reader;
  return true;
}

// A constant of ones of the dimensions that are normalized.
std::string AddOnes(ForeignGraph& graph, const LayerNormMatch& match) {
  std::vector<std::int64_t> dimensions;
  std::int64_t count = 1;
  for (int i = -match.dimensions; i < 0; ++i) {
    dimensions.push_back(SizeOf(graph, match.x, i));
    count *= dimensions.back();
  }
  std::string name = graph.NewName("ones");
  graph.AddConstant(
      name, ForeignTensor::OfFloats(std::move(dimensions),
                                    std::vector<float>(static_cast<std::size_t>(count), 1.0f)));
  return name;
}

// If they are known, and so few that they may be parameters.
bool HasSizes(const ForeignGraph& graph, const LayerNormMatch& match) {
  constexpr std::int64_t kMost = std::int64_t{1} << 24;
  std::int64_t count = 1;
  for (int i = -match.dimensions; i < 0; ++i) {
    const std::int64_t size = SizeOf(graph, match.x, i);
    if (size < 1 || size > kMost / count) return false;
    count *= size;
  }
  return true;
}

}  // namespace

void FuseLayerNorm(ForeignGraph& graph, ImportReport& report) {
  for (auto node = graph.nodes().begin(); node != graph.nodes().end(); ++node) {
    Pattern pattern(graph);
    LayerNormMatch match;
    if (!TakeNormalized(pattern, *node, match) || !pattern.IsClosed(*node) ||
        !HasSizes(graph, match)) {
      continue;
    }
    auto last = node;
    std::string scale;
    std::string bias;
    const bool has_scale = TakeAffine(pattern, "Mul", match, last, scale);
    const bool has_bias = TakeAffine(pattern, "Add", match, last, bias);
    ForeignNode norm = {.kind = "LayerNormalization", .version = kLayerNormalizationVersion};
    norm.inputs = {match.x, has_scale ? scale : AddOnes(graph, match)};
    if (has_bias) norm.inputs.push_back(bias);
    norm.attributes["axis"] = static_cast<std::int64_t>(-match.dimensions);
    norm.attributes["epsilon"] = match.epsilon;
    const bool is_last = last == node;
    const auto fused = Fuse(graph, report, pattern, last, std::move(norm));
    if (is_last) node = fused;
  }
}

}  // namespace espalier
