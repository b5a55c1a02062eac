// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an operator's row sees of a node while types and dimensions are found.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/text.h"
#include "espalier/shape.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Ends the work on a node with the reason why it can't be done, which the user is shown.
template <typename... Parts>
[[noreturn]] void Refuse(const Parts&... reason) {
  throw Error(ErrorCode::kModelFile, Concat(reason...));
}

/// An axis from the first, of one that may count from behind. Refuses what is out of range.
int CountedFromFirst(std::int64_t axis, int rank);

/// The part of a dimension that a Slice takes: from `start`, `count` elements, `step` apart.
struct SliceRange {
  std::int64_t start = 0;
  std::int64_t count = 0;
  std::int64_t step = 1;
};

/// ONNX's start, end and step, clamped to a dimension of `size`. Refuses a step of 0.
SliceRange ResolveSlice(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t size);

/// Sizes of a Split's outputs: as told, or as equal as they can be, the last one smaller. Refuses
/// what does not add up to `size`.
std::vector<std::int64_t> ResolveSplit(const std::vector<std::int64_t>& told, std::size_t outputs,
                                       std::int64_t size);

/// The dimensions of values that are broadcast as NumPy does. Refuses what does not fit.
ForeignDimensions BroadcastDimensions(const ForeignDimensions& a, const ForeignDimensions& b);

/// Integers of an attribute, or, where the node has no such attribute, of a constant input; none if
/// there is neither. Refuses an input that is no constant.
std::optional<std::vector<std::int64_t>> IntegersOfNode(const ForeignGraph& graph,
                                                        const ForeignNode& node,
                                                        const std::string& attribute,
                                                        std::size_t input);

/// The integers of an input, each known but for the batch. Refuses if they are not.
ForeignDimensions ElementsOfNode(const ForeignGraph& graph, const ForeignNode& node,
                                 std::size_t input);

class NodeFacts {
 public:
  NodeFacts(ForeignGraph& graph, const ForeignNode& node) : graph_(graph), node_(node) {}

  const ForeignNode& node() const { return node_; }
  bool HasInput(std::size_t index) const { return node_.HasInput(index); }
  ForeignType Type(std::size_t input) const;

  /// Refuses if they are not known.
  const ForeignDimensions& Dimensions(std::size_t input) const;
  int Rank(std::size_t input) const { return static_cast<int>(Dimensions(input).size()); }

  /// The constant an input is, or null.
  const ForeignTensor* Constant(std::size_t input) const;

  /// ElementsOfNode.
  ForeignDimensions Elements(std::size_t input) const;

  /// IntegersOfNode.
  std::optional<std::vector<std::int64_t>> IntegersOf(const std::string& attribute,
                                                      std::size_t input) const;

  void SetOutput(std::size_t output, ForeignType type, ForeignDimensions dimensions);
  /// The first output is as an input.
  void SetLike(std::size_t input) { SetOutput(0, Type(input), Dimensions(input)); }

 private:
  ForeignGraph& graph_;
  const ForeignNode& node_;
};

// For rows whose output is as the first input, or as all inputs broadcast, of the first one's type.
void InferLikeFirst(NodeFacts& facts);
void InferBroadcast(NodeFacts& facts);
/// The same of booleans.
void InferComparison(NodeFacts& facts);

}  // namespace espalier
