// SPDX-License-Identifier: Apache-2.0
#pragma once

// A graph as ONNX files hold it, written node by node.

#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "import/onnx_schema.h"

namespace espalier {

using OnnxAttributeValue =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>>;
using OnnxAttributes = std::vector<std::pair<const char*, OnnxAttributeValue>>;

/// A size, or the name of one that each run may choose.
using OnnxDimension = std::variant<std::int64_t, std::string>;

/// Names are of values: of inputs and outputs, of what nodes make, and of tensors, which come with
/// the file. Nodes stand in the order in which they run.
class OnnxGraph {
 public:
  /// Of the file: what readers of protobuf take at most.
  static constexpr std::int64_t kMaxBytes = (std::int64_t{1} << 31) - 1;

  explicit OnnxGraph(int operator_set) : operator_set_(operator_set) {}

  /// Nodes are to be of this one.
  int operator_set() const { return operator_set_; }

  /// `wish`, or a longer name if that is taken. A slash keeps names of parts from those of layers.
  std::string NewName(const std::string& wish);

  /// Makes room for tensors of so many bytes. Throws Error: INVALID_ARGUMENT beyond kMaxBytes.
  void Reserve(std::int64_t bytes);

  void AddInput(const std::string& name, onnx::ElementType type,
                std::span<const OnnxDimension> shape);
  void AddOutput(const std::string& name, std::span<const OnnxDimension> shape);

  /// An input or output "" is one that is left out. The last output is there, and names the node.
  void AddNode(const char* operation, std::span<const std::string> inputs,
               std::span<const std::string> outputs, const OnnxAttributes& attributes);

  /// Throw as Reserve does.
  void AddFloats(const std::string& name, std::span<const std::int64_t> shape,
                 std::span<const float> values);
  void AddBytes(const std::string& name, std::span<const std::int64_t> shape,
                std::span<const std::int8_t> values);
  void AddIntegers(const std::string& name, std::span<const std::int64_t> shape,
                   std::span<const std::int64_t> values);

  /// A GraphProto's fields.
  const std::string& bytes() const { return bytes_; }

 private:
  void CheckRoom(std::int64_t bytes) const;
  void AddTensor(const std::string& name, onnx::ElementType type,
                 std::span<const std::int64_t> shape, std::span<const std::byte> values);
  void AddValue(onnx::Field field, const std::string& name, onnx::ElementType type,
                std::span<const OnnxDimension> shape);

  int operator_set_;
  std::string bytes_;
  std::unordered_set<std::string> names_;
};

}  // namespace espalier
