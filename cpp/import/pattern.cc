// SPDX-License-Identifier: Apache-2.0
#include "import/pattern.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

namespace espalier {

const ForeignNode* Pattern::Take(const std::string& value, std::string_view kind) {
  const Node node = graph_->Producer(value);
  if (node == graph_->nodes().end() || !node->Is(kind) || node->outputs[0] != value) return nullptr;
  nodes_.push_back(node);
  return &*node;
}

bool Pattern::IsNumber(const std::string& value, double number) const {
  const std::optional<float> scalar = graph_->Scalar(value);
  return scalar.has_value() && IsAbout(static_cast<double>(*scalar), number);
}

const std::string* Pattern::BesideNumber(const ForeignNode& node, double number) const {
  if (node.inputs.size() != 2) return nullptr;
  if (IsNumber(node.inputs[1], number)) return &node.inputs[0];
  return IsNumber(node.inputs[0], number) ? &node.inputs[1] : nullptr;
}

const std::string* Pattern::Beside(const ForeignNode& node, const std::string& value) const {
  if (node.inputs.size() != 2) return nullptr;
  if (node.inputs[0] == value) return &node.inputs[1];
  return node.inputs[1] == value ? &node.inputs[0] : nullptr;
}

bool Pattern::IsClosed(const ForeignNode& last) const {
  // What is known without being computed needs nothing to be computed for it.
  const auto is_known = [&](const ForeignNode& reader) {
    return std::all_of(reader.outputs.begin(), reader.outputs.end(), [&](const std::string& value) {
      return value.empty() || graph_->Value(value).elements.has_value();
    });
  };
  const auto is_inside = [&](const Node& reader) {
    return &*reader == &last || is_known(*reader) ||
           std::find(nodes_.begin(), nodes_.end(), reader) != nodes_.end();
  };
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return &*node == &last ||
           std::all_of(node->outputs.begin(), node->outputs.end(), [&](const std::string& value) {
             if (value.empty()) return true;
             const std::vector<Node>& readers = graph_->Consumers(value);
             return !graph_->IsOutput(value) &&
                    std::all_of(readers.begin(), readers.end(), is_inside);
           });
  });
}

std::int64_t Pattern::size() const {
  std::unordered_set<const ForeignNode*> taken;
  for (const Node& node : nodes_) taken.insert(&*node);
  return static_cast<std::int64_t>(taken.size());
}

bool IsAbout(double number, double wanted) {
  return std::abs(number - wanted) <= 5e-4 * std::abs(wanted);
}

bool HaveSameDimensions(const ForeignGraph& graph, const std::string& a, const std::string& b) {
  const auto& dimensions = graph.Value(a).dimensions;
  return dimensions.has_value() && dimensions == graph.Value(b).dimensions;
}

int RankOf(const ForeignGraph& graph, const std::string& value) {
  const auto& dimensions = graph.Value(value).dimensions;
  return dimensions.has_value() ? static_cast<int>(dimensions->size()) : -1;
}

std::int64_t SizeOf(const ForeignGraph& graph, const std::string& value, int axis) {
  const auto& dimensions = graph.Value(value).dimensions;
  if (!dimensions.has_value()) return -1;
  const int rank = static_cast<int>(dimensions->size());
  const int place = axis < 0 ? axis + rank : axis;
  if (place < 0 || place >= rank) return -1;
  const ForeignDimension& dimension = (*dimensions)[static_cast<std::size_t>(place)];
  return dimension.is_fixed() ? dimension.size : -1;
}

std::optional<std::pair<float, float>> ClipBounds(const ForeignGraph& graph,
                                                  const ForeignNode& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::pair<float, float> bounds = {node.Float("min", -kInfinity), node.Float("max", kInfinity)};
  if (node.HasInput(1)) {
    const std::optional<float> least = graph.Scalar(node.Input(1));
    if (!least.has_value()) return std::nullopt;
    bounds.first = *least;
  }
  if (node.HasInput(2)) {
    const std::optional<float> greatest = graph.Scalar(node.Input(2));
    if (!greatest.has_value()) return std::nullopt;
    bounds.second = *greatest;
  }
  return bounds;
}

ForeignGraph::Node Fuse(ForeignGraph& graph, ImportReport& report, const Pattern& pattern,
                        ForeignGraph::Node last, ForeignNode node) {
  node.name = last->name;
  node.outputs = {last->outputs[0]};
  report.fused.push_back({node.kind, node.outputs[0], pattern.size() + 1});
  return graph.Replace(last, std::move(node));
}

}  // namespace espalier
