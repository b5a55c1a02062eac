// SPDX-License-Identifier: Apache-2.0

// LSTM and GRU of one direction, forward or back, or both. ONNX has the directions as a dimension
// of their own, and its gates in another order than PyTorch and the layers.

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/checked.h"
#include "import/node_facts.h"
#include "import/node_lowering.h"
#include "import/operators.h"

namespace espalier {
namespace {

using Integers = std::vector<std::int64_t>;

constexpr std::int64_t kMostReversed = 1 << 16;

// A kind of cell: for each gate of the layer, which of ONNX's it is.
struct Cell {
  const char* layer;
  std::vector<std::size_t> gates;
  std::vector<std::string> activations;
};

const Cell kLstm = {"lstm", {0, 2, 3, 1}, {"sigmoid", "tanh", "tanh"}};  // i o f c to i f g o
const Cell kGru = {"gru", {1, 0, 2}, {"sigmoid", "tanh"}};               // z r h to r z n

std::int64_t Directions(const ForeignNode& node) {
  const std::string direction = node.Text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    Refuse("direction: expected forward, reverse or bidirectional, got ", direction);
  }
  return direction == "bidirectional" ? 2 : 1;
}

void InferRecurrent(NodeFacts& facts) {
  const ForeignDimensions& x = facts.Dimensions(0);
  const ForeignDimensions& recurrent = facts.Dimensions(2);
  if (x.size() != 3 || recurrent.size() != 3) {
    Refuse("expected three dimensions, got ", ToString(x), " and ", ToString(recurrent));
  }
  const bool has_batch_first = facts.node().Integer("layout", 0) != 0;
  const auto directions = ForeignDimension::Fixed(Directions(facts.node()));
  const ForeignDimension& hidden = recurrent[2];
  const ForeignType type = facts.Type(0);
  if (has_batch_first) {
    facts.SetOutput(0, type, {x[0], x[1], directions, hidden});
  } else {
    facts.SetOutput(0, type, {x[0], directions, x[1], hidden});
  }
  for (const std::size_t state : {1u, 2u}) {
    if (has_batch_first) {
      facts.SetOutput(state, type, {x[0], directions, hidden});
    } else {
      facts.SetOutput(state, type, {directions, x[1], hidden});
    }
  }
}

// If a value is 0 everywhere, whatever its shape.
bool IsZero(const ForeignGraph& graph, const std::string& value) {
  constexpr int kFar = 16;
  std::string name = value;
  for (int step = 0; step < kFar; ++step) {
    if (const ForeignTensor* constant = graph.Constant(name)) {
      return std::ranges::all_of(constant->Floats(), [](float x) { return x == 0.0f; });
    }
    const auto producer = graph.Producer(name);
    if (producer == graph.nodes().end()) return false;
    if (producer->Is("ConstantOfShape")) {
      const auto found = producer->attributes.find("value");
      const auto* tensor = found == producer->attributes.end()
                               ? nullptr
                               : std::get_if<ForeignTensor>(&found->second);
      return tensor == nullptr || (tensor->element_count() == 1 && tensor->FloatAt(0) == 0.0f);
    }
    constexpr std::array<const char*, 7> kMoves = {"Expand",  "Slice",     "Squeeze", "Unsqueeze",
                                                   "Reshape", "Transpose", "Identity"};
    if (std::ranges::none_of(kMoves, [&](const char* kind) { return producer->Is(kind); })) {
      return false;
    }
    name = producer->Input(0);
  }
  return false;
}

std::string LowerCase(std::string text) {
  for (char& character : text) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
  }
  return text;
}

void CheckSettings(const NodeLowering& lowering, const Cell& cell) {
  const ForeignNode& node = lowering.node();
  const auto found = node.attributes.find("activations");
  if (found != node.attributes.end()) {
    const auto* texts = std::get_if<std::vector<std::string>>(&found->second);
    if (texts == nullptr) Refuse("activations: expected texts");
    for (std::size_t i = 0; i < texts->size(); ++i) {
      const std::string& expected = cell.activations[i % cell.activations.size()];
      if (LowerCase((*texts)[i]) != expected) {
        Refuse("activations: expected ", expected, ", got ", (*texts)[i]);
      }
    }
  }
  if (node.HasAttribute("clip")) Refuse("clip: expected none");
  if (node.Integer("input_forget", 0) != 0) Refuse("input_forget: expected 0");
  if (node.HasInput(7) && !IsZero(lowering.graph(), node.Input(7))) {
    Refuse("expected no peepholes, got '", node.Input(7), "'");
  }
  for (const std::size_t state : {5u, 6u}) {
    if (node.HasInput(state) && !IsZero(lowering.graph(), node.Input(state))) {
      Refuse("expected states that begin with 0, got '", node.Input(state), "'");
    }
  }
}

// Rows [directions, parts, gates, hidden, width] of which one part is copied, gate by gate.
struct GateRows {
  std::int64_t directions;
  std::int64_t parts;
  std::int64_t part;
  std::int64_t hidden;
  std::int64_t width;
};

void SetGates(NodeLowering& node, const LoweredValue& layer, const char* parameter,
              const ForeignTensor& value, const Cell& cell, const GateRows& rows) {
  const auto gates = static_cast<std::int64_t>(cell.gates.size());
  const std::int64_t block = CheckedMultiply(rows.hidden, rows.width);
  const std::int64_t expected = CheckedMultiply(rows.directions * rows.parts * gates, block);
  if (value.element_count() != expected) {
    Refuse(parameter, ": expected ", expected, " elements, got [", Join(value.dimensions(), ", "),
           "]");
  }
  node.SetParameter(layer, parameter, [=, order = cell.gates](std::span<float> floats) {
    const std::vector<float> from = value.Floats();
    auto to = floats.begin();
    for (std::int64_t direction = 0; direction < rows.directions; ++direction) {
      for (const std::size_t gate : order) {
        const std::int64_t place =
            ((direction * rows.parts + rows.part) * gates + static_cast<std::int64_t>(gate)) *
            block;
        to = std::copy_n(from.begin() + place, block, to);
      }
    }
  });
}

// The states at the ends of both ways: forward that at the last position, back at the first.
LoweredValue LastStates(NodeLowering& node, const LoweredValue& all, std::int64_t directions,
                        std::int64_t hidden) {
  const std::int64_t length = all.shape[0];
  const auto part = [&](std::int64_t position, std::int64_t begin, const char* name) {
    return node.Add(
        "slice",
        {{"begin", Integers{position, begin}}, {"end", Integers{position + 1, begin + hidden}}},
        all, name);
  };
  const LoweredValue forward = part(length - 1, 0, "last");
  if (directions == 1) return forward;
  const std::vector<LoweredValue> both = {forward, part(0, hidden, "first")};
  return node.Add("concat", {{"axis", std::int64_t{1}}}, both, "states");
}

// The positions from the last to the first.
LoweredValue Reversed(NodeLowering& node, const LoweredValue& value, const char* part) {
  const std::int64_t length = value.shape[0];
  if (length > kMostReversed) {
    Refuse("direction: expected at most ", kMostReversed, " positions for reverse, got ", length);
  }
  Integers places(static_cast<std::size_t>(length));
  std::iota(places.rbegin(), places.rend(), std::int64_t{0});
  return node.Add("gather", {{"indices", std::move(places)}, {"axis", std::int64_t{0}}}, value,
                  part);
}

void Lower(NodeLowering& node, const Cell& cell) {
  CheckSettings(node, cell);
  if (node.IsRead(2)) Refuse("expected nobody to read the last state of the cell");
  const ForeignTensor& weight = node.RequiredConstant(1, "W");
  const ForeignTensor& recurrent = node.RequiredConstant(2, "R");
  const std::int64_t directions = Directions(node.node());
  const std::int64_t hidden = node.Dimensions(2)[2].size;
  const std::int64_t width = node.Dimensions(0)[2].size;
  const bool wants_all = node.IsRead(0);
  std::vector<LoweredValue> inputs = {node.Data(0)};
  if (inputs[0].shape.rank() != 2) {
    Refuse("expected the batch as one dimension, got ", ToString(node.Dimensions(0)));
  }
  const bool is_reverse = node.node().Text("direction", "forward") == "reverse";
  if (is_reverse) inputs[0] = Reversed(node, inputs[0], "reversed");
  if (node.HasInput(4)) {
    if (is_reverse)
      Refuse("direction: expected no lengths with reverse, got '", node.node().Input(4), "'");
    if (wants_all && node.IsRead(1)) Refuse("expected lengths with one result, got both");
    inputs.push_back(node.Data(4, ElementType::kInt32));
  }
  Attributes attributes = {{"hidden", hidden},
                           {"bidirectional", directions == 2},
                           {"bias", node.HasInput(3)},
                           {"return_sequence", wants_all}};
  if (&cell == &kGru) {
    attributes["reset_after"] = node.node().Integer("linear_before_reset", 0) != 0;
  }
  const LoweredValue layer = node.Add(cell.layer, std::move(attributes), inputs);
  SetGates(node, layer, "weight", weight, cell, {directions, 1, 0, hidden, width});
  SetGates(node, layer, "recurrent_weight", recurrent, cell, {directions, 1, 0, hidden, hidden});
  if (node.HasInput(3)) {
    const ForeignTensor& bias = node.RequiredConstant(3, "B");
    SetGates(node, layer, "bias", bias, cell, {directions, 2, 0, hidden, 1});
    SetGates(node, layer, "recurrent_bias", bias, cell, {directions, 2, 1, hidden, 1});
  }
  const auto shaped = [&](const LoweredValue& value, Integers sizes, const char* part) {
    return node.Add("reshape", {{"shape", std::move(sizes)}}, value, part);
  };
  if (wants_all) {
    const LoweredValue in_order = is_reverse ? Reversed(node, layer, "in_order") : layer;
    node.SetOutput(0, shaped(in_order, {inputs[0].shape[0], directions, hidden}, "sequence"));
  }
  if (node.IsRead(1)) {
    const LoweredValue last = wants_all ? LastStates(node, layer, directions, hidden) : layer;
    node.SetOutput(1, shaped(last, {directions, hidden}, "state"));
  }
}

void LowerLstm(NodeLowering& node) { Lower(node, kLstm); }

void LowerGru(NodeLowering& node) { Lower(node, kGru); }

constexpr ForeignOperator kOperators[] = {
    {.kind = "LSTM", .first_version = 7, .infer = InferRecurrent, .lower = LowerLstm},
    {.kind = "GRU", .first_version = 7, .infer = InferRecurrent, .lower = LowerGru},
};

}  // namespace

std::span<const ForeignOperator> RecurrentOperators() { return kOperators; }

}  // namespace espalier
