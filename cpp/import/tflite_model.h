// SPDX-License-Identifier: Apache-2.0
#pragma once

// A TensorFlow Lite model as its file has it, by field numbers of the public schema
// (tensorflow/lite/schema/schema.fbs).

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "import/flat_table.h"
#include "import/foreign_tensor.h"

namespace espalier {

/// BuiltinOperator, as far as it is read.
enum class TfliteKind : std::int32_t {
  kAdd = 0,
  kAveragePool2d = 1,
  kConcatenation = 2,
  kConv2d = 3,
  kDepthwiseConv2d = 4,
  kDequantize = 6,
  kFullyConnected = 9,
  kLogistic = 14,
  kMaxPool2d = 17,
  kMul = 18,
  kRelu = 19,
  kReluN1To1 = 20,
  kRelu6 = 21,
  kReshape = 22,
  kResizeBilinear = 23,
  kSoftmax = 25,
  kTanh = 28,
  kPad = 34,
  kTranspose = 39,
  kMean = 40,
  kSub = 41,
  kDiv = 42,
  kSqueeze = 43,
  kExp = 47,
  kLogSoftmax = 50,
  kPrelu = 54,
  kMaximum = 55,
  kMinimum = 57,
  kNeg = 59,
  kExpandDims = 70,
  kLog = 73,
  kSum = 74,
  kSqrt = 75,
  kPow = 78,
  kReduceMax = 82,
  kReduceMin = 89,
  kResizeNearest = 97,
  kLeakyRelu = 98,
  kAbs = 101,
  kElu = 111,
  kQuantize = 114,
  kHardSwish = 117,
  kGelu = 150,
};

struct TfliteTensor {
  std::string name;  ///< unique
  ForeignType type = ForeignType::kUnknown;
  std::vector<std::int64_t> dimensions;  ///< of one run; the first is the batch, as a rule
  std::span<const std::byte> bytes;      ///< of a constant; else empty
  // Real values are scale * (element - zero_point), along an axis where there are several.
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;
  int quantized_axis = 0;

  bool is_constant() const { return !bytes.empty(); }
  int rank() const { return static_cast<int>(dimensions.size()); }
};

struct TfliteOperator {
  TfliteKind kind{};
  std::string name;                  ///< for messages: "operator 97", or that of a custom one
  std::vector<std::int32_t> inputs;  ///< tensors; -1: absent
  std::vector<std::int32_t> outputs;
  std::optional<FlatTable> options;
};

struct TfliteModel {
  std::string description;
  std::vector<TfliteTensor> tensors;
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
  std::vector<TfliteOperator> operators;
};

/// Reads the first subgraph, whose indices are all checked. The verifier and the bytes must outlive
/// the result. Throws Error: MODEL_FILE.
TfliteModel ReadTfliteModel(flatbuffers::Verifier& verifier, std::span<const std::byte> bytes,
                            std::int64_t most_operators);

}  // namespace espalier
