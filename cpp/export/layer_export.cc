// SPDX-License-Identifier: Apache-2.0
#include "export/layer_export.h"

#include <algorithm>

#include "core/text.h"

namespace espalier {

int OnnxValues::InputOfLength(const Length& length) const {
  for (int i = 0; length.varies() && i < static_cast<int>(network_.inputs.size()); ++i) {
    const Length& own = network_.value(i).length;
    const bool is_exported = !names[static_cast<std::size_t>(i)].empty();
    if (is_exported && own.input == length.input && own.all == length.all) return i;
  }
  return -1;
}

const std::string& OnnxValues::PositionsOf(const Length& length) {
  const int input = InputOfLength(length);
  std::string& name = positions_[input];
  if (name.empty()) {
    const std::string& value = names[static_cast<std::size_t>(input)];
    name = graph_.NewName(value + "/positions");
    graph_.AddNode("Shape", {&value, 1}, {&name, 1},
                   {{"start", std::int64_t{1}}, {"end", std::int64_t{2}}});
  }
  return name;
}

// Expand by [batch, 1, …] leaves all dimensions but the batch as they are.
const std::string& OnnxValues::OfWholeBatch(int value) {
  std::string& name = repeated_[value];
  if (!name.empty()) return name;
  const std::string& of_one = names[static_cast<std::size_t>(value)];
  const auto add = [&](const char* part, const char* operation,
                       const std::vector<std::string>& inputs, const OnnxAttributes& attributes) {
    const std::string made = graph_.NewName(Concat(of_one, "/", part));
    graph_.AddNode(operation, inputs, {&made, 1}, attributes);
    return made;
  };
  const auto input = std::find_if(names.begin(), names.end(),
                                  [](const std::string& input) { return !input.empty(); });
  const std::string batch =
      add("batch", "Shape", {*input}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(network_.value(value).shape.rank()),
                                       1);
  const auto count = static_cast<std::int64_t>(ones.size());
  const std::string rest = graph_.NewName(of_one + "/ones");
  graph_.AddIntegers(rest, {&count, 1}, ones);
  const std::string shape =
      add("whole_shape", "Concat", {batch, rest}, {{"axis", std::int64_t{0}}});
  return name = add("whole_batch", "Expand", {of_one, shape}, {});
}

const std::string& LayerExport::InputToBroadcast(std::size_t input) const {
  return values_.names[static_cast<std::size_t>(layer_.inputs[input])];
}

std::string LayerExport::Input(std::size_t input) {
  const int value = layer_.inputs[input];
  const int maker = network_.value(value).layer;
  const bool is_of_constants =
      maker != kNoLayer && network_.layers[static_cast<std::size_t>(maker)].is_constant;
  if (!is_of_constants || layer_.is_constant) return InputToBroadcast(input);
  return values_.OfWholeBatch(value);
}

std::string LayerExport::InputOfOutputRank(std::size_t input) {
  const int missing = OutputShape().rank() - InputShape(input).rank();
  if (missing == 0) return InputToBroadcast(input);
  std::vector<std::int64_t> axes;
  for (int i = 1; i <= missing; ++i) axes.push_back(i);
  return Node("aligned", "Unsqueeze", {InputToBroadcast(input), Integers("axes", axes)});
}

const Shape& LayerExport::ParameterShape(std::size_t parameter) const {
  return network_.parameters[static_cast<std::size_t>(layer_.parameters[parameter])].shape;
}

std::span<const float> LayerExport::ParameterValues(std::size_t parameter) const {
  return {network_.parameter_values(layer_.parameters[parameter]),
          static_cast<std::size_t>(ParameterShape(parameter).element_count())};
}

std::string LayerExport::Parameter(std::size_t parameter) {
  return Parameter(parameter, ParameterShape(parameter).dimensions());
}

std::string LayerExport::Parameter(std::size_t parameter, std::span<const std::int64_t> shape) {
  const auto index = static_cast<std::size_t>(layer_.parameters[parameter]);
  const std::string name = graph_.NewName(network_.parameters[index].path);
  graph_.AddFloats(name, shape, ParameterValues(parameter));
  return name;
}

bool LayerExport::HasInt8Weights() const {
  return int8_weights_ && Int8KeepsFloat(network_, layer_).empty();
}

// Rows that count as 0 have bytes of 0, and scales above 0 as in files.
Int8Rows LayerExport::WeightRows() const {
  Int8Rows rows = QuantizeRows(network_, network_.value(layer_.output).layer);
  std::ranges::replace(rows.scales.span(), 0.0f, 1.0f);
  return rows;
}

std::string LayerExport::Weights() {
  if (!HasInt8Weights()) return Parameter(0);
  const Int8Rows rows = WeightRows();
  return Dequantized("weight", ParameterShape(0).dimensions(), rows.bytes.span(),
                     rows.scales.span(), 0);
}

std::string LayerExport::Dequantized(const char* part, std::span<const std::int64_t> shape,
                                     std::span<const std::int8_t> bytes,
                                     std::span<const float> scales, std::int64_t axis) {
  const auto count = static_cast<std::int64_t>(scales.size());
  const std::string values = Bytes("bytes", shape, bytes);
  return Node(part, "DequantizeLinear", {values, Floats("scales", {&count, 1}, scales)},
              {{"axis", axis}});
}

std::string LayerExport::Bytes(const char* part, std::span<const std::int64_t> shape,
                               std::span<const std::int8_t> values) {
  const std::string name = PartName(part);
  graph_.AddBytes(name, shape, values);
  return name;
}

std::string LayerExport::PartName(const char* part) {
  return graph_.NewName(Concat(layer_.name, "/", part));
}

std::string LayerExport::Floats(const char* part, std::span<const std::int64_t> shape,
                                std::span<const float> values) {
  const std::string name = PartName(part);
  graph_.AddFloats(name, shape, values);
  return name;
}

std::string LayerExport::Scalar(const char* part, double value) {
  const float number = static_cast<float>(value);
  return Floats(part, {}, {&number, 1});
}

std::string LayerExport::Integers(const char* part, std::span<const std::int64_t> values) {
  const std::string name = PartName(part);
  const auto count = static_cast<std::int64_t>(values.size());
  graph_.AddIntegers(name, {&count, 1}, values);
  return name;
}

std::string LayerExport::Integer(const char* part, std::int64_t value) {
  const std::string name = PartName(part);
  graph_.AddIntegers(name, {}, {&value, 1});
  return name;
}

std::string LayerExport::Node(const char* part, const char* operation,
                              const std::vector<std::string>& inputs,
                              const OnnxAttributes& attributes) {
  return NodeOutput(part, operation, inputs, 0, attributes);
}

std::string LayerExport::NodeOutput(const char* part, const char* operation,
                                    const std::vector<std::string>& inputs, std::size_t index,
                                    const OnnxAttributes& attributes, std::size_t least) {
  std::vector<std::string> outputs(std::max(index + 1, least));
  for (std::size_t i = 0; i < least; ++i) outputs[i] = PartName("unused");
  outputs[index] = PartName(part);
  graph_.AddNode(operation, inputs, outputs, attributes);
  return outputs[index];
}

void LayerExport::Result(const char* operation, const std::vector<std::string>& inputs,
                         const OnnxAttributes& attributes) {
  const std::string& output = values_.names[static_cast<std::size_t>(layer_.output)];
  graph_.AddNode(operation, inputs, {&output, 1}, attributes);
}

void LayerExport::AddAxes(std::string_view operation, const std::vector<std::int64_t>& axes,
                          std::vector<std::string>& inputs, OnnxAttributes& attributes) {
  if (OperatorSet() >= 18 || operation == "ReduceSum") {
    inputs.push_back(Integers("axes", axes));
  } else {
    attributes.emplace_back("axes", axes);
  }
}

void LayerExport::ResultReshaped(const std::string& value) {
  Result("Reshape", {value, Integers("shape", BatchOf(OutputShape()))});
}

std::string LayerExport::Positions(std::size_t input) {
  const Length& length = network_.value(layer_.inputs[input]).length;
  return values_.InputOfLength(length) < 0 ? Integers("positions", std::vector{length.all})
                                           : values_.PositionsOf(length);
}

std::string LayerExport::PositionNumbers(const char* part, std::size_t input) {
  const std::string positions = Node("count", "Squeeze", {Positions(input)});
  return Node(part, "Range", {Integer("first", 0), positions, Integer("step", 1)});
}

std::vector<std::int64_t> BatchOf(const Shape& shape) {
  std::vector<std::int64_t> dimensions = {0};
  dimensions.insert(dimensions.end(), shape.dimensions().begin(), shape.dimensions().end());
  return dimensions;
}

}  // namespace espalier
