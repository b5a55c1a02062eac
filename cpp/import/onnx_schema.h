// SPDX-License-Identifier: Apache-2.0
#pragma once

// Numbers of fields and types in ONNX's protobuf schema: onnx.proto of ONNX 1.12.

#include <cstdint>

namespace espalier::onnx {

using Field = std::uint32_t;

struct Model {
  static constexpr Field kIrVersion = 1, kProducerName = 2, kProducerVersion = 3, kDomain = 4,
                         kModelVersion = 5, kDocumentation = 6, kGraph = 7, kOperatorSets = 8,
                         kMetadata = 14;
};

/// Of Model::kOperatorSets.
struct OperatorSet {
  static constexpr Field kDomain = 1, kVersion = 2;
};

/// Of Model::kMetadata and Tensor::kExternalData.
struct Entry {
  static constexpr Field kKey = 1, kValue = 2;
};

struct Graph {
  static constexpr Field kNodes = 1, kName = 2, kInitializers = 5, kDocumentation = 10,
                         kInputs = 11, kOutputs = 12, kValues = 13, kSparseInitializers = 15;
};

struct Node {
  static constexpr Field kInputs = 1, kOutputs = 2, kName = 3, kOperator = 4, kAttributes = 5,
                         kDocumentation = 6, kDomain = 7;
};

struct Attribute {
  static constexpr Field kName = 1, kFloat = 2, kInt = 3, kString = 4, kTensor = 5, kGraph = 6,
                         kFloats = 7, kInts = 8, kStrings = 9, kTensors = 10, kGraphs = 11,
                         kType = 20;
};

/// Of Attribute::kType.
enum class AttributeType : std::int64_t {
  kUndefined = 0,
  kFloat = 1,
  kInt = 2,
  kString = 3,
  kTensor = 4,
  kGraph = 5,
  kFloats = 6,
  kInts = 7,
  kStrings = 8,
};

struct Tensor {
  static constexpr Field kDimensions = 1, kType = 2, kFloats = 4, kInt32s = 5, kStrings = 6,
                         kInt64s = 7, kName = 8, kRaw = 9, kDoubles = 10, kUint64s = 11,
                         kExternalData = 13, kLocation = 14;
  static constexpr std::int64_t kExternal = 1;  ///< of kLocation
};

/// Of Tensor::kType and TensorType::kElement.
enum class ElementType : std::int64_t {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};

/// Of Graph::kInputs and kOutputs.
struct ValueInfo {
  static constexpr Field kName = 1, kType = 2;
};
struct ValueType {
  static constexpr Field kTensor = 1;
};
struct TensorType {
  static constexpr Field kElement = 1, kShape = 2;
};
struct TensorShape {
  static constexpr Field kDimensions = 1;
};
struct Dimension {
  static constexpr Field kSize = 1, kName = 2;
};

}  // namespace espalier::onnx
