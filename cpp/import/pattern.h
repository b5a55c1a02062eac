// SPDX-License-Identifier: Apache-2.0
#pragma once

// What passes recognize patterns with. A pattern is matched from its last node on, against the
// direction in which values flow.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "espalier/import.h"
#include "import/foreign_graph.h"

namespace espalier {

/// Nodes that one operator may stand for.
class Pattern {
 public:
  using Node = ForeignGraph::Node;

  explicit Pattern(const ForeignGraph& graph) : graph_(&graph) {}

  /// The node that makes `value`, if it is of this kind of ONNX's; it is of the pattern then. Null
  /// if it is not.
  const ForeignNode* Take(const std::string& value, std::string_view kind);
  /// The pattern has this node, too.
  void Take(Node node) { nodes_.push_back(node); }

  /// True if one of them holds, the first first; what those took that do not hold is given back.
  template <class... Alternatives>
  bool Either(const Alternatives&... alternatives) {
    return (Try(alternatives) || ...);
  }

  /// True for a constant of one element that is about `number`, as exporters round it.
  bool IsNumber(const std::string& value, double number) const;

  /// The input of a node of two whose other input is about `number`; null if there is none.
  const std::string* BesideNumber(const ForeignNode& node, double number) const;

  /// The node takes two inputs, `value` and another: that other, or null.
  const std::string* Beside(const ForeignNode& node, const std::string& value) const;

  /// True if `last` alone makes something that nodes outside the pattern, or the graph's outputs,
  /// read; shapes, which are known, aside. `last` need not have been taken.
  bool IsClosed(const ForeignNode& last) const;

  /// Nodes that were taken.
  std::int64_t size() const;

  const ForeignGraph& graph() const { return *graph_; }

 private:
  template <class Alternative>
  bool Try(const Alternative& alternative) {
    const std::size_t taken = nodes_.size();
    if (alternative()) return true;
    nodes_.resize(taken);
    return false;
  }

  const ForeignGraph* graph_;
  std::vector<Node> nodes_;
};

/// Numbers as exporters write them: of float32, or half of its digits.
bool IsAbout(double number, double wanted);

/// True if the dimensions of both are known, and the same.
bool HaveSameDimensions(const ForeignGraph& graph, const std::string& a, const std::string& b);

/// The number of dimensions, or -1 if it is unknown.
int RankOf(const ForeignGraph& graph, const std::string& value);

/// Size of a dimension, negative ones counted from the last; -1 if it is unknown or varies.
std::int64_t SizeOf(const ForeignGraph& graph, const std::string& value, int axis);

/// Bounds of a Clip; nothing if they are not constants. Infinite where there is none.
std::optional<std::pair<float, float>> ClipBounds(const ForeignGraph& graph,
                                                  const ForeignNode& node);

/// Puts `node` in the place of `last`, whose output it makes, and of what the pattern took; says so
/// in the report. The new place.
ForeignGraph::Node Fuse(ForeignGraph& graph, ImportReport& report, const Pattern& pattern,
                        ForeignGraph::Node last, ForeignNode node);

}  // namespace espalier
