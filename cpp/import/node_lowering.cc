// SPDX-License-Identifier: Apache-2.0
#include "import/node_lowering.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "import/network_lowering.h"

namespace espalier {
namespace {

std::string LowerCase(std::string text) {
  for (char& character : text) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
  }
  return text;
}

// Of a constant's name, what its layer is called; empty if it is not named as parameters are.
std::string StemOf(const std::string& parameter) {
  for (const char* suffix : {".weight", ".bias", ".gamma", ".beta"}) {
    if (parameter.ends_with(suffix)) {
      return parameter.substr(0, parameter.size() - std::string_view(suffix).size());
    }
  }
  return "";
}

}  // namespace

NodeLowering::NodeLowering(NetworkLowering& network, const ForeignNode& node)
    : network_(network), node_(node), stem_(node.name.empty() ? LowerCase(node.kind) : node.name) {}

const ForeignGraph& NodeLowering::graph() const { return network_.graph_; }

const ForeignDimensions& NodeLowering::Dimensions(std::size_t input) const {
  const ForeignValue& value = graph().Value(node_.Input(input));
  if (!value.dimensions) {
    Refuse("the dimensions of its input '", node_.Input(input), "' are not known");
  }
  return *value.dimensions;
}

const ForeignDimensions& NodeLowering::OutputDimensions(std::size_t output) const {
  if (output < node_.outputs.size()) {
    const ForeignValue& value = graph().Value(node_.outputs[output]);
    if (value.dimensions) return *value.dimensions;
  }
  Refuse("the dimensions of its output ", output + 1, " are not known");
}

const ForeignTensor* NodeLowering::Constant(std::size_t input) const {
  return graph().Constant(node_.Input(input));
}

const ForeignTensor& NodeLowering::RequiredConstant(std::size_t input, const char* what) const {
  const ForeignTensor* constant = Constant(input);
  if (constant == nullptr) {
    Refuse("expected a constant '", what, "', got ",
           HasInput(input) ? Concat("'", node_.Input(input), "', which depends on the input")
                           : std::string("none"));
  }
  return *constant;
}

std::optional<std::vector<std::int64_t>> NodeLowering::IntegersOf(const std::string& attribute,
                                                                  std::size_t input) const {
  return IntegersOfNode(graph(), node_, attribute, input);
}

ElementType NodeLowering::TypeOf(std::size_t input) const {
  const std::string& name = node_.Input(input);
  if (const auto known = network_.values_.find(name); known != network_.values_.end()) {
    return known->second.type;
  }
  return IsFloatType(graph().Value(name).type) ? ElementType::kFloat32 : ElementType::kInt32;
}

bool NodeLowering::IsRead(std::size_t output) const {
  if (output >= node_.outputs.size() || node_.outputs[output].empty()) return false;
  const std::string& value = node_.outputs[output];
  return graph().IsOutput(value) || !graph().Consumers(value).empty();
}

LoweredValue NodeLowering::Data(std::size_t input, ElementType type) {
  const std::string& name = node_.Input(input);
  if (name.empty()) Refuse("expected an input ", input + 1, ", got none");
  LoweredValue value;
  if (const auto known = network_.values_.find(name); known != network_.values_.end()) {
    value = known->second;
  } else if (Constant(input) != nullptr) {
    return network_.AddConstant(name, LoweredShape(Dimensions(input)), type);
  } else {
    Refuse("its input '", name, "' depends on the number of examples");
  }
  if (value.type == type) return value;
  const auto name_of = [](ElementType element) { return std::string(ElementTypeName(element)); };
  return Add("cast", {{"from", name_of(value.type)}, {"to", name_of(type)}}, value, "cast");
}

LoweredValue NodeLowering::BroadcastData(std::size_t input) {
  const ForeignDimensions& output = OutputDimensions();
  const ForeignDimensions& own = Dimensions(input);
  const int batch = BatchAxis(output);
  const int place = batch - static_cast<int>(output.size()) + static_cast<int>(own.size());
  if (batch < 0 || BatchAxis(own) >= 0 || place < 0 ||
      output[static_cast<std::size_t>(batch)].size != 1) {
    return Data(input);
  }
  if (!own[static_cast<std::size_t>(place)].is(1)) {
    Refuse("expected '", node_.Input(input), "' to be the same for all examples, got ",
           ToString(own));
  }
  ForeignDimensions rest = own;
  rest.erase(rest.begin() + place);
  const Shape shape = LoweredShape(rest);
  if (Constant(input) != nullptr && !network_.values_.contains(node_.Input(input))) {
    return network_.AddConstant(node_.Input(input), shape, ElementType::kFloat32);
  }
  const LoweredValue value = Data(input);
  if (value.shape == shape) return value;
  const auto sizes = shape.dimensions();
  return Add("reshape", {{"shape", std::vector<std::int64_t>(sizes.begin(), sizes.end())}}, value,
             "reshape");
}

int NodeLowering::Axis(std::size_t input, std::int64_t axis) const {
  const ForeignDimensions& dimensions = Dimensions(input);
  const int counted = CountedFromFirst(axis, static_cast<int>(dimensions.size()));
  const int batch = BatchAxis(dimensions);
  if (counted == batch) {
    Refuse("expected an axis within an example, got ", axis, ", along which ", ToString(dimensions),
           " has the examples");
  }
  const bool is_dropped = batch >= 0 && dimensions[static_cast<std::size_t>(batch)].size == 1;
  return is_dropped && counted > batch ? counted - 1 : counted;
}

void NodeLowering::ExpectBatchFirst(std::size_t input) const {
  const ForeignDimensions& dimensions = Dimensions(input);
  if (dimensions.empty() || !(dimensions[0] == ForeignDimension::Batch())) {
    Refuse("expected the batch as the first dimension, got ", ToString(dimensions));
  }
}

LoweredValue NodeLowering::Add(std::string kind, Attributes attributes,
                               std::span<const LoweredValue> inputs, std::string_view part) {
  LayerSpec layer{.name = part.empty() ? stem_ : Concat(stem_, ".", part),
                  .kind = std::move(kind),
                  .attributes = std::move(attributes)};
  const LoweredValue added = network_.AddLayer(std::move(layer), inputs);
  if (part.empty() && !node_.name.empty() && added.layer != node_.name) {
    network_.report_.renamed.push_back({.from = node_.name, .to = added.layer});
  }
  return added;
}

LoweredValue NodeLowering::Fixed(const Shape& shape, std::vector<float> values) {
  const auto sizes = shape.dimensions();
  LayerSpec layer{.name = Concat(stem_, ".fixed"),
                  .kind = "constant",
                  .attributes = {{"shape", std::vector<std::int64_t>(sizes.begin(), sizes.end())}},
                  .frozen = true};
  const LoweredValue value = network_.AddLayer(std::move(layer), {});
  SetParameter(value, "value", ForeignTensor::OfFloats({shape.element_count()}, std::move(values)));
  return value;
}

void NodeLowering::NameAfter(std::size_t input) {
  std::string stem = StemOf(node_.Input(input));
  if (stem.empty()) return;
  stem_ = std::move(stem);
}

void NodeLowering::SetParameter(const LoweredValue& layer, std::string_view parameter,
                                ForeignTensor value) {
  SetParameter(layer, parameter,
               [tensor = std::move(value)](std::span<float> floats) { tensor.CopyFloats(floats); });
}

void NodeLowering::SetParameter(const LoweredValue& layer, std::string_view parameter,
                                std::function<void(std::span<float>)> fill) {
  network_.parameter_values_.push_back({layer.layer, std::string(parameter), std::move(fill)});
}

void NodeLowering::SetOutput(std::size_t output, const LoweredValue& value) {
  if (output >= node_.outputs.size() || node_.outputs[output].empty()) return;
  const Shape expected = LoweredShape(OutputDimensions(output));
  if (value.shape != expected) {
    Refuse("expected a result of ", expected.ToString(), ", got ", value.shape.ToString());
  }
  network_.values_[node_.outputs[output]] = value;
}

void NodeLowering::Finish(std::string kind, Attributes attributes,
                          std::span<const LoweredValue> inputs) {
  SetOutput(0, Add(std::move(kind), std::move(attributes), inputs));
}

void NodeLowering::Note(std::string text) {
  network_.report_.notes.push_back({.layer = stem_, .text = std::move(text)});
}

}  // namespace espalier
