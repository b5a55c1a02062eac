// SPDX-License-Identifier: Apache-2.0
#pragma once

// Small ONNX models for tests, written field by field:
// https://github.com/onnx/onnx/blob/main/docs/IR.md.

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace espalier {

/// A message of protocol buffers.
class ProtoWriter {
 public:
  ProtoWriter& Integer(int field, std::int64_t value) {
    Varint(static_cast<std::uint64_t>(field) << 3);
    Varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  ProtoWriter& Float(int field, float value) {
    Varint(static_cast<std::uint64_t>(field) << 3 | 5);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  ProtoWriter& Bytes(int field, const std::string& value) {
    Varint(static_cast<std::uint64_t>(field) << 3 | 2);
    Varint(value.size());
    bytes_ += value;
    return *this;
  }
  ProtoWriter& Message(int field, const ProtoWriter& message) {
    return Bytes(field, message.bytes_);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }

  std::string bytes_;
};

/// A dimension of an input: a size, or a name.
using OnnxDimension = std::variant<std::int64_t, std::string>;

struct OnnxAttribute {
  std::string name;
  std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
               ProtoWriter>
      value;  ///< a ProtoWriter is a tensor
};

/// Writes a model part by part; nodes follow what they read.
class OnnxModel {
 public:
  static constexpr std::int64_t kFloat = 1;
  static constexpr std::int64_t kInt32 = 6;
  static constexpr std::int64_t kInt64 = 7;

  explicit OnnxModel(std::int64_t version = 17) : version_(version) {}

  OnnxModel& Input(const std::string& name, const std::vector<OnnxDimension>& dimensions,
                   std::int64_t type = kFloat) {
    graph_.Message(11, Value(name, dimensions, type));
    return *this;
  }
  OnnxModel& Output(const std::string& name) {
    graph_.Message(12, ProtoWriter().Bytes(1, name));
    return *this;
  }
  OnnxModel& Floats(const std::string& name, const std::vector<std::int64_t>& dimensions,
                    const std::vector<float>& values) {
    graph_.Message(5, Tensor(name, kFloat, dimensions, std::as_bytes(std::span(values))));
    return *this;
  }
  OnnxModel& Integers(const std::string& name, const std::vector<std::int64_t>& dimensions,
                      const std::vector<std::int64_t>& values) {
    graph_.Message(5, Tensor(name, kInt64, dimensions, std::as_bytes(std::span(values))));
    return *this;
  }
  OnnxModel& Add(const ProtoWriter& tensor) {
    graph_.Message(5, tensor);
    return *this;
  }
  OnnxModel& Node(const std::string& kind, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs,
                  const std::vector<OnnxAttribute>& attributes = {}, const std::string& name = "",
                  const std::string& domain = "") {
    ProtoWriter node;
    for (const std::string& input : inputs) node.Bytes(1, input);
    for (const std::string& output : outputs) node.Bytes(2, output);
    node.Bytes(3, name).Bytes(4, kind);
    for (const OnnxAttribute& attribute : attributes) node.Message(5, Attribute(attribute));
    if (!domain.empty()) node.Bytes(7, domain);
    graph_.Message(1, node);
    return *this;
  }

  std::string Bytes() const {
    ProtoWriter model;
    model.Integer(1, 8).Bytes(2, "test");
    model.Message(7, graph_);
    model.Message(8, ProtoWriter().Bytes(1, "").Integer(2, version_));
    return model.bytes();
  }

  /// A TensorProto with raw data.
  static ProtoWriter Tensor(const std::string& name, std::int64_t type,
                            const std::vector<std::int64_t>& dimensions,
                            std::span<const std::byte> data) {
    ProtoWriter tensor;
    for (const std::int64_t dimension : dimensions) tensor.Integer(1, dimension);
    tensor.Integer(2, type).Bytes(8, name);
    tensor.Bytes(9, std::string(reinterpret_cast<const char*>(data.data()), data.size()));
    return tensor;
  }

 private:
  static ProtoWriter Value(const std::string& name, const std::vector<OnnxDimension>& dimensions,
                           std::int64_t type) {
    ProtoWriter shape;
    for (const OnnxDimension& dimension : dimensions) {
      ProtoWriter written;
      if (const auto* size = std::get_if<std::int64_t>(&dimension)) {
        written.Integer(1, *size);
      } else {
        written.Bytes(2, std::get<std::string>(dimension));
      }
      shape.Message(1, written);
    }
    const ProtoWriter tensor = ProtoWriter().Integer(1, type).Message(2, shape);
    return ProtoWriter().Bytes(1, name).Message(2, ProtoWriter().Message(1, tensor));
  }

  static ProtoWriter Attribute(const OnnxAttribute& attribute) {
    ProtoWriter written;
    written.Bytes(1, attribute.name);
    if (const auto* integer = std::get_if<std::int64_t>(&attribute.value)) {
      written.Integer(3, *integer).Integer(20, 2);
    } else if (const auto* real = std::get_if<float>(&attribute.value)) {
      written.Float(2, *real).Integer(20, 1);
    } else if (const auto* text = std::get_if<std::string>(&attribute.value)) {
      written.Bytes(4, *text).Integer(20, 3);
    } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&attribute.value)) {
      for (const std::int64_t element : *integers) written.Integer(8, element);
      written.Integer(20, 7);
    } else if (const auto* reals = std::get_if<std::vector<float>>(&attribute.value)) {
      for (const float element : *reals) written.Float(7, element);
      written.Integer(20, 6);
    } else {
      written.Message(5, std::get<ProtoWriter>(attribute.value)).Integer(20, 4);
    }
    return written;
  }

  std::int64_t version_;
  ProtoWriter graph_;
};

}  // namespace espalier
