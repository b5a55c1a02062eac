// SPDX-License-Identifier: Apache-2.0

// Sums, means, extremes and norms over dimensions, and the places of extremes.

#include <algorithm>
#include <array>
#include <numeric>

#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"
#include "import/scaled.h"

namespace espalier {
namespace {

// The axes, counted from the first; all if none are said. Nothing if none are to be reduced.
template <class Node>
std::optional<std::vector<int>> AxesOf(const Node& node, int rank) {
  const auto said = node.IntegersOf("axes", 1);
  std::vector<int> axes;
  if (!said.has_value() || said->empty()) {
    if (node.node().Integer("noop_with_empty_axes", 0) != 0) return std::nullopt;
    axes.resize(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
    return axes;
  }
  for (const std::int64_t axis : *said) axes.push_back(CountedFromFirst(axis, rank));
  return axes;
}

ForeignDimensions Without(const ForeignDimensions& dimensions, const std::vector<int>& axes,
                          bool keeps) {
  ForeignDimensions result;
  for (int i = 0; i < static_cast<int>(dimensions.size()); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) {
      result.push_back(dimensions[static_cast<std::size_t>(i)]);
    } else if (keeps) {
      result.push_back(ForeignDimension::Fixed(1));
    }
  }
  return result;
}

bool KeepsDimensions(const ForeignNode& node) { return node.Integer("keepdims", 1) != 0; }

void InferReduction(NodeFacts& facts) {
  const auto axes = AxesOf(facts, facts.Rank(0));
  if (!axes.has_value()) return facts.SetLike(0);
  facts.SetOutput(0, facts.Type(0),
                  Without(facts.Dimensions(0), *axes, KeepsDimensions(facts.node())));
}

// Of `x`, which has the shape of input 0, over the node's axes.
LoweredValue Reduce(NodeLowering& node, const LoweredValue& x, const char* reduction) {
  const auto axes = AxesOf(node, node.Rank(0));
  if (!axes.has_value() || node.Rank(0) == 0) return x;
  std::vector<std::int64_t> places;
  for (const int axis : *axes) places.push_back(node.Axis(0, axis));
  return node.Add("reduce",
                  {{"reduction", std::string(reduction)},
                   {"axes", places},
                   {"keep_dimensions", KeepsDimensions(node.node())}},
                  x);
}

template <const char* const& kReduction>
void LowerReduction(NodeLowering& node) {
  node.SetOutput(0, Reduce(node, node.Data(0), kReduction));
}

constexpr const char* kMean = "mean";
constexpr const char* kSum = "sum";
constexpr const char* kMax = "max";
constexpr const char* kMin = "min";
constexpr const char* kL2 = "l2";

void LowerL1(NodeLowering& node) {
  node.SetOutput(0, Reduce(node, node.Add("abs", {}, node.Data(0), "abs"), "sum"));
}

void LowerSumSquare(NodeLowering& node) {
  const LoweredValue x = node.Data(0);
  node.SetOutput(0, Reduce(node, Join(node, "mul", x, x), "sum"));
}

void LowerLogSum(NodeLowering& node) {
  node.SetOutput(0, node.Add("log", {}, Reduce(node, node.Data(0), "sum"), "log"));
}

void InferArgMax(NodeFacts& facts) {
  const int axis = CountedFromFirst(facts.node().Integer("axis", 0), facts.Rank(0));
  facts.SetOutput(0, ForeignType::kInt64,
                  Without(facts.Dimensions(0), {axis}, KeepsDimensions(facts.node())));
}

// Of equal values the first, or the last: the first of those in reverse.
void FinishArgMax(NodeLowering& node, LoweredValue x) {
  const std::int64_t axis = node.Axis(0, node.node().Integer("axis", 0));
  const bool is_last = node.node().Integer("select_last_index", 0) != 0;
  const Attributes attributes = {{"axis", axis}, {"keep_dimensions", KeepsDimensions(node.node())}};
  if (!is_last) return node.Finish("arg_max", attributes, x);
  const std::int64_t size = x.shape[static_cast<int>(axis)];
  constexpr std::int64_t kMost = std::int64_t{1} << 20;
  if (size > kMost) Refuse("expected at most ", kMost, " places, got ", size);
  std::vector<std::int64_t> places(static_cast<std::size_t>(size));
  std::iota(places.rbegin(), places.rend(), 0);
  x = node.Add("gather", {{"indices", places}, {"axis", axis}}, x, "reversed");
  const LoweredValue place = node.Add("arg_max", attributes, x, "arg_max");
  const LoweredValue real = node.Add(
      "cast", {{"from", std::string("int32")}, {"to", std::string("float32")}}, place, "place");
  const LoweredValue counted =
      node.Add("sub", {}, std::array{Number(node, static_cast<double>(size - 1)), real}, "counted");
  node.Finish("cast", {{"to", std::string("int32")}}, counted);
}

void LowerArgMax(NodeLowering& node) { FinishArgMax(node, node.Data(0)); }
void LowerArgMin(NodeLowering& node) {
  FinishArgMax(node, node.Add("neg", {}, node.Data(0), "neg"));
}

// How many are chosen: an input from version 10 on.
template <class Node>
std::int64_t CountOf(const Node& node) {
  const auto count = node.IntegersOf("k", 1);
  if (!count.has_value() || count->size() != 1 || (*count)[0] < 1) {
    Refuse("expected a constant k of at least 1");
  }
  return (*count)[0];
}

void InferTopK(NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  const int axis = CountedFromFirst(facts.node().Integer("axis", -1), facts.Rank(0));
  dimensions[static_cast<std::size_t>(axis)] = ForeignDimension::Fixed(CountOf(facts));
  facts.SetOutput(0, facts.Type(0), dimensions);
  facts.SetOutput(1, ForeignType::kInt64, std::move(dimensions));
}

void LowerTopK(NodeLowering& node) {
  const LoweredValue x = node.Data(0);
  const Attributes attributes = {
      {"k", CountOf(node)},
      {"axis", static_cast<std::int64_t>(node.Axis(0, node.node().Integer("axis", -1)))},
      {"largest", node.node().Integer("largest", 1) != 0}};
  if (node.IsRead(0)) node.SetOutput(0, node.Add("top_k", attributes, x));
  if (node.IsRead(1)) node.SetOutput(1, node.Add("top_k_indices", attributes, x, "indices"));
}

constexpr ForeignOperator kOperators[] = {
    {.kind = "ReduceMean", .infer = InferReduction, .lower = LowerReduction<kMean>},
    {.kind = "ReduceSum", .infer = InferReduction, .lower = LowerReduction<kSum>},
    {.kind = "ReduceMax", .infer = InferReduction, .lower = LowerReduction<kMax>},
    {.kind = "ReduceMin", .infer = InferReduction, .lower = LowerReduction<kMin>},
    {.kind = "ReduceL2", .infer = InferReduction, .lower = LowerReduction<kL2>},
    {.kind = "ReduceL1", .infer = InferReduction, .lower = LowerL1},
    {.kind = "ReduceSumSquare", .infer = InferReduction, .lower = LowerSumSquare},
    {.kind = "ReduceLogSum", .infer = InferReduction, .lower = LowerLogSum},
    {.kind = "ArgMax", .infer = InferArgMax, .lower = LowerArgMax},
    {.kind = "ArgMin", .infer = InferArgMax, .lower = LowerArgMin},
    {.kind = "TopK", .infer = InferTopK, .lower = LowerTopK},
};

}  // namespace

std::span<const ForeignOperator> ReductionOperators() { return kOperators; }

}  // namespace espalier
