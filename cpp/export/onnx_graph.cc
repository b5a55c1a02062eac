// SPDX-License-Identifier: Apache-2.0
#include "export/onnx_graph.h"

#include <bit>

#include <protozero/pbf_writer.hpp>

#include "core/text.h"

namespace espalier {
namespace {

using protozero::pbf_writer;

// Names, and what else a message with a tensor has, are less.
constexpr std::int64_t kRest = std::int64_t{1} << 16;

static_assert(std::endian::native == std::endian::little, "raw tensors are little-endian");

std::int32_t NumberOf(onnx::ElementType type) { return static_cast<std::int32_t>(type); }

void WriteAttribute(const char* name, const OnnxAttributeValue& value, pbf_writer& node) {
  pbf_writer attribute(node, onnx::Node::kAttributes);
  attribute.add_string(onnx::Attribute::kName, name);
  onnx::AttributeType type = onnx::AttributeType::kInts;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    attribute.add_int64(onnx::Attribute::kInt, *whole);
    type = onnx::AttributeType::kInt;
  } else if (const auto* real = std::get_if<float>(&value)) {
    attribute.add_float(onnx::Attribute::kFloat, *real);
    type = onnx::AttributeType::kFloat;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    attribute.add_bytes(onnx::Attribute::kString, *text);
    type = onnx::AttributeType::kString;
  } else {
    for (const std::int64_t number : std::get<std::vector<std::int64_t>>(value)) {
      attribute.add_int64(onnx::Attribute::kInts, number);
    }
  }
  attribute.add_enum(onnx::Attribute::kType, static_cast<std::int32_t>(type));
}

}  // namespace

void OnnxGraph::CheckRoom(std::int64_t bytes) const {
  const auto size = static_cast<std::int64_t>(bytes_.size());
  if (bytes > kMaxBytes - kRest - size) {
    Fail(ErrorCode::kInvalidArgument, "export: expected a model of at most ", kMaxBytes,
         " bytes, which is what an ONNX file may have, got ", bytes, " bytes of parameters",
         size > 0 ? " behind others" : "");
  }
}

void OnnxGraph::Reserve(std::int64_t bytes) {
  CheckRoom(bytes);
  bytes_.reserve(static_cast<std::size_t>(bytes + kRest));
}

std::string OnnxGraph::NewName(const std::string& wish) {
  std::string name = wish;
  for (int i = 2; !names_.insert(name).second; ++i) name = Concat(wish, "/", i);
  return name;
}

void OnnxGraph::AddValue(onnx::Field field, const std::string& name, onnx::ElementType type,
                         std::span<const OnnxDimension> shape) {
  pbf_writer graph(bytes_);
  pbf_writer value(graph, field);
  value.add_string(onnx::ValueInfo::kName, name);
  pbf_writer value_type(value, onnx::ValueInfo::kType);
  pbf_writer tensor(value_type, onnx::ValueType::kTensor);
  tensor.add_enum(onnx::TensorType::kElement, NumberOf(type));
  pbf_writer dimensions(tensor, onnx::TensorType::kShape);
  for (const OnnxDimension& size : shape) {
    pbf_writer dimension(dimensions, onnx::TensorShape::kDimensions);
    if (const auto* fixed = std::get_if<std::int64_t>(&size)) {
      dimension.add_int64(onnx::Dimension::kSize, *fixed);
    } else {
      dimension.add_string(onnx::Dimension::kName, std::get<std::string>(size));
    }
  }
}

void OnnxGraph::AddInput(const std::string& name, onnx::ElementType type,
                         std::span<const OnnxDimension> shape) {
  AddValue(onnx::Graph::kInputs, name, type, shape);
}

void OnnxGraph::AddOutput(const std::string& name, std::span<const OnnxDimension> shape) {
  AddValue(onnx::Graph::kOutputs, name, onnx::ElementType::kFloat, shape);
}

void OnnxGraph::AddNode(const char* operation, std::span<const std::string> inputs,
                        std::span<const std::string> outputs, const OnnxAttributes& attributes) {
  pbf_writer graph(bytes_);
  pbf_writer node(graph, onnx::Graph::kNodes);
  for (const std::string& input : inputs) node.add_string(onnx::Node::kInputs, input);
  for (const std::string& output : outputs) node.add_string(onnx::Node::kOutputs, output);
  node.add_string(onnx::Node::kName, outputs.back());
  node.add_string(onnx::Node::kOperator, operation);
  for (const auto& [name, value] : attributes) WriteAttribute(name, value, node);
}

void OnnxGraph::AddTensor(const std::string& name, onnx::ElementType type,
                          std::span<const std::int64_t> shape, std::span<const std::byte> values) {
  CheckRoom(static_cast<std::int64_t>(values.size()));
  pbf_writer graph(bytes_);
  pbf_writer tensor(graph, onnx::Graph::kInitializers);
  for (const std::int64_t size : shape) tensor.add_int64(onnx::Tensor::kDimensions, size);
  tensor.add_enum(onnx::Tensor::kType, NumberOf(type));
  tensor.add_string(onnx::Tensor::kName, name);
  tensor.add_bytes(onnx::Tensor::kRaw, reinterpret_cast<const char*>(values.data()), values.size());
}

void OnnxGraph::AddFloats(const std::string& name, std::span<const std::int64_t> shape,
                          std::span<const float> values) {
  AddTensor(name, onnx::ElementType::kFloat, shape, std::as_bytes(values));
}

void OnnxGraph::AddBytes(const std::string& name, std::span<const std::int64_t> shape,
                         std::span<const std::int8_t> values) {
  AddTensor(name, onnx::ElementType::kInt8, shape, std::as_bytes(values));
}

void OnnxGraph::AddIntegers(const std::string& name, std::span<const std::int64_t> shape,
                            std::span<const std::int64_t> values) {
  AddTensor(name, onnx::ElementType::kInt64, shape, std::as_bytes(values));
}

}  // namespace espalier
