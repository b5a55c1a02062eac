// SPDX-License-Identifier: Apache-2.0
#include "import/mask_trace.h"

#include <cmath>

#include "import/pattern.h"

namespace espalier {
namespace {

// Most nodes between a mask and what it becomes, and most looks at nodes, of which a hostile graph
// has many ways through the same.
constexpr int kMostSteps = 16;
constexpr int kMostLooks = 256;

constexpr std::int64_t kMostLength = std::int64_t{1} << 20;

// A function of one or two numbers.
std::optional<double> Apply(const ForeignNode& node, double a, double b) {
  if (node.Is("Add")) return a + b;
  if (node.Is("Sub")) return a - b;
  if (node.Is("Mul")) return a == 0.0 || b == 0.0 ? 0.0 : a * b;
  if (node.Is("Div")) return a / b;
  if (node.Is("Equal")) return a == b ? 1.0 : 0.0;
  if (node.Is("Less")) return a < b ? 1.0 : 0.0;
  if (node.Is("Greater")) return a > b ? 1.0 : 0.0;
  if (node.Is("GreaterOrEqual")) return a >= b ? 1.0 : 0.0;
  if (node.Is("LessOrEqual")) return a <= b ? 1.0 : 0.0;
  return std::nullopt;
}

// [batch, …, length] with nothing but 1 in between, or what is repeated along one dimension there.
bool MayFollow(const ForeignGraph& graph, const std::string& value, std::int64_t length) {
  const auto& dimensions = graph.Value(value).dimensions;
  if (!dimensions.has_value() || dimensions->size() < 2) return false;
  const ForeignDimension& batch = dimensions->front();
  return batch.is_batch() && batch.size == 1 && dimensions->back().is(length);
}

class Tracer {
 public:
  explicit Tracer(const ForeignGraph& graph) : graph_(graph) {}

  std::optional<MaskTrace> Trace(const std::string& value, int steps) {
    if (steps == 0 || --looks_ < 0) return std::nullopt;
    if (const std::optional<float> number = graph_.Scalar(value)) {
      return MaskTrace{"", static_cast<double>(*number), static_cast<double>(*number)};
    }
    if (graph_.IsInput(value)) {
      const std::int64_t length = SizeOf(graph_, value, -1);
      if (RankOf(graph_, value) != 2 || length < 1 || length > kMostLength ||
          !MayFollow(graph_, value, length)) {
        return std::nullopt;
      }
      return MaskTrace{value, 1.0, 0.0};
    }
    const ForeignGraph::Node node = graph_.Producer(value);
    if (node == graph_.nodes().end()) return std::nullopt;
    std::optional<MaskTrace> result = TraceNode(*node, steps - 1);
    if (result.has_value() && !result->mask.empty() &&
        !MayFollow(graph_, value, SizeOf(graph_, result->mask, -1))) {
      return std::nullopt;
    }
    return result;
  }

 private:
  std::optional<MaskTrace> TraceNode(const ForeignNode& node, int steps) {
    for (const char* kind : {"Unsqueeze", "Squeeze", "Reshape", "Expand", "Identity", "Cast"}) {
      if (!node.Is(kind)) continue;
      std::optional<MaskTrace> result = Trace(node.Input(0), steps);
      const bool is_boolean =
          graph_.Value(node.outputs[0]).type == ForeignType::kBool && result.has_value();
      if (is_boolean) {
        result->at_one = result->at_one != 0.0 ? 1.0 : 0.0;
        result->at_zero = result->at_zero != 0.0 ? 1.0 : 0.0;
      }
      return result;
    }
    if (node.Is("Not")) {
      std::optional<MaskTrace> result = Trace(node.Input(0), steps);
      if (result.has_value()) {
        result->at_one = 1.0 - result->at_one;
        result->at_zero = 1.0 - result->at_zero;
      }
      return result;
    }
    if (node.Is("Where") && node.inputs.size() == 3) {
      const auto condition = Trace(node.Input(0), steps);
      const auto a = Trace(node.Input(1), steps);
      const auto b = Trace(node.Input(2), steps);
      if (!condition.has_value() || !a.has_value() || !b.has_value()) return std::nullopt;
      std::string mask;
      if (!Join(*condition, mask) || !Join(*a, mask) || !Join(*b, mask)) return std::nullopt;
      return MaskTrace{mask, condition->at_one != 0.0 ? a->at_one : b->at_one,
                       condition->at_zero != 0.0 ? a->at_zero : b->at_zero};
    }
    if (node.inputs.size() != 2) return std::nullopt;
    if (!Apply(node, 1.0, 1.0).has_value()) return std::nullopt;
    const auto a = Trace(node.Input(0), steps);
    const auto b = Trace(node.Input(1), steps);
    std::string mask;
    if (!a.has_value() || !b.has_value() || !Join(*a, mask) || !Join(*b, mask)) return std::nullopt;
    return MaskTrace{mask, *Apply(node, a->at_one, b->at_one),
                     *Apply(node, a->at_zero, b->at_zero)};
  }

  // False if they follow from masks that differ.
  static bool Join(const MaskTrace& trace, std::string& mask) {
    if (trace.mask.empty()) return true;
    if (mask.empty()) mask = trace.mask;
    return mask == trace.mask;
  }

  const ForeignGraph& graph_;
  int looks_ = kMostLooks;
};

}  // namespace

std::optional<MaskTrace> TraceMask(const ForeignGraph& graph, const std::string& value) {
  return Tracer(graph).Trace(value, kMostSteps);
}

}  // namespace espalier
