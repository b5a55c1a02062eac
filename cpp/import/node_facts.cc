// SPDX-License-Identifier: Apache-2.0
#include "import/node_facts.h"

#include <algorithm>
#include <utility>

namespace espalier {

int CountedFromFirst(std::int64_t axis, int rank) {
  const std::int64_t counted = axis < 0 ? axis + rank : axis;
  if (counted < 0 || counted >= rank) {
    Refuse("expected an axis from ", -rank, " to ", rank - 1, ", got ", axis);
  }
  return static_cast<int>(counted);
}

SliceRange ResolveSlice(std::int64_t start, std::int64_t end, std::int64_t step,
                        std::int64_t size) {
  if (step == 0) Refuse("expected a step other than 0");
  const auto place = [size](std::int64_t index, std::int64_t least, std::int64_t most) {
    return std::clamp(index < 0 ? index + size : index, least, most);
  };
  SliceRange range{.step = step};
  if (step > 0) {
    range.start = place(start, 0, size);
    const std::int64_t length = place(end, 0, size) - range.start;
    if (length > 0) range.count = (length - 1) / step + 1;
  } else {
    range.start = place(start, -1, size - 1);
    const std::int64_t length = range.start - place(end, -1, size - 1);
    if (length > 0) range.count = (length - 1) / -std::max(step, -size - 1) + 1;
  }
  return range;
}

std::vector<std::int64_t> ResolveSplit(const std::vector<std::int64_t>& told, std::size_t outputs,
                                       std::int64_t size) {
  std::vector<std::int64_t> sizes = told;
  if (outputs == 0) Refuse("expected an output");
  if (sizes.empty()) {
    const auto parts = static_cast<std::int64_t>(outputs);
    const std::int64_t part = size / parts + (size % parts != 0 ? 1 : 0);
    for (std::int64_t i = 0; i < parts; ++i) {
      sizes.push_back(std::clamp<std::int64_t>(size - i * part, 0, part));
    }
  }
  std::int64_t left = size;
  for (const std::int64_t part : sizes) {
    if (part < 0 || part > left) Refuse("expected parts of ", size, ", got more");
    left -= part;
  }
  if (left != 0 || sizes.size() != outputs) {
    Refuse("expected ", outputs, " parts of ", size, " in all, got ", sizes.size(), " of ",
           size - left);
  }
  return sizes;
}

ForeignDimensions BroadcastDimensions(const ForeignDimensions& a, const ForeignDimensions& b) {
  const ForeignDimensions& longer = a.size() >= b.size() ? a : b;
  const ForeignDimensions& shorter = a.size() >= b.size() ? b : a;
  ForeignDimensions result = longer;
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    ForeignDimension& own = result[longer.size() - shorter.size() + i];
    if (own.is(1)) {
      own = shorter[i];
    } else if (!shorter[i].is(1) && !(shorter[i] == own)) {
      Refuse("expected shapes that can be broadcast, got ", ToString(a), " and ", ToString(b));
    }
  }
  return result;
}

ForeignType NodeFacts::Type(std::size_t input) const {
  return graph_.Value(node_.Input(input)).type;
}

const ForeignDimensions& NodeFacts::Dimensions(std::size_t input) const {
  const ForeignValue& value = graph_.Value(node_.Input(input));
  if (!value.dimensions) {
    Refuse("the dimensions of its input '", node_.Input(input), "' are not known");
  }
  return *value.dimensions;
}

const ForeignTensor* NodeFacts::Constant(std::size_t input) const {
  return graph_.Constant(node_.Input(input));
}

ForeignDimensions NodeFacts::Elements(std::size_t input) const {
  return ElementsOfNode(graph_, node_, input);
}

ForeignDimensions ElementsOfNode(const ForeignGraph& graph, const ForeignNode& node,
                                 std::size_t input) {
  if (const ForeignTensor* constant = graph.Constant(node.Input(input))) {
    constexpr std::int64_t kMost = 1024;
    if (constant->element_count() > kMost) {
      Refuse("expected at most ", kMost, " integers, got ", constant->element_count());
    }
    ForeignDimensions elements;
    for (const std::int64_t integer : constant->Integers()) {
      elements.push_back(ForeignDimension::Fixed(integer));
    }
    return elements;
  }
  const ForeignValue& value = graph.Value(node.Input(input));
  const bool is_known =
      value.elements && std::ranges::none_of(*value.elements, [](const ForeignDimension& element) {
        return element.kind == ForeignDimension::Kind::kUnknown;
      });
  if (!is_known) Refuse("expected '", node.Input(input), "' to follow from shapes alone");
  return *value.elements;
}

std::optional<std::vector<std::int64_t>> NodeFacts::IntegersOf(const std::string& attribute,
                                                               std::size_t input) const {
  return IntegersOfNode(graph_, node_, attribute, input);
}

std::optional<std::vector<std::int64_t>> IntegersOfNode(const ForeignGraph& graph,
                                                        const ForeignNode& node,
                                                        const std::string& attribute,
                                                        std::size_t input) {
  if (node.HasAttribute(attribute)) return node.Integers(attribute);
  if (!node.HasInput(input)) return std::nullopt;
  const ForeignTensor* constant = graph.Constant(node.Input(input));
  if (constant == nullptr) {
    Refuse("expected '", attribute, "' to be a constant, got '", node.Input(input),
           "', which depends on the input");
  }
  return constant->Integers();
}

void NodeFacts::SetOutput(std::size_t output, ForeignType type, ForeignDimensions dimensions) {
  if (output >= node_.outputs.size() || node_.outputs[output].empty()) return;
  if (dimensions.size() > static_cast<std::size_t>(Shape::kMaxRank)) {
    Refuse("expected at most ", Shape::kMaxRank, " dimensions, got ", dimensions.size());
  }
  graph_.Describe(node_.outputs[output], {.type = type, .dimensions = std::move(dimensions)});
}

void InferLikeFirst(NodeFacts& facts) { facts.SetLike(0); }

namespace {

ForeignDimensions BroadcastAll(const NodeFacts& facts) {
  ForeignDimensions dimensions = facts.Dimensions(0);
  for (std::size_t i = 1; i < facts.node().inputs.size(); ++i) {
    dimensions = BroadcastDimensions(dimensions, facts.Dimensions(i));
  }
  return dimensions;
}

}  // namespace

void InferBroadcast(NodeFacts& facts) { facts.SetOutput(0, facts.Type(0), BroadcastAll(facts)); }

void InferComparison(NodeFacts& facts) {
  facts.SetOutput(0, ForeignType::kBool, BroadcastAll(facts));
}

}  // namespace espalier
