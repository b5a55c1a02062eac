// SPDX-License-Identifier: Apache-2.0
#include "import/tflite_model.h"

#include <cstring>
#include <set>
#include <string_view>

#include "espalier/shape.h"
#include "import/tflite_reader.h"

namespace espalier {
namespace {

constexpr std::size_t kMaxTensors = 1 << 20;

// Field numbers.
namespace model {
constexpr int kVersion = 0, kOperatorCodes = 1, kSubgraphs = 2, kDescription = 3, kBuffers = 4;
}
namespace code {
constexpr int kOldKind = 0, kCustom = 1, kKind = 3;
}
namespace subgraph {
constexpr int kTensors = 0, kInputs = 1, kOutputs = 2, kOperators = 3;
}
namespace tensor {
constexpr int kShape = 0, kType = 1, kBuffer = 2, kName = 3, kQuantization = 4, kSparsity = 6;
}
namespace quantization {
constexpr int kScale = 2, kZeroPoint = 3, kAxis = 6;
}
namespace node {
constexpr int kCode = 0, kInputs = 1, kOutputs = 2, kOptions = 4;
}

ForeignType TypeOf(std::int8_t type) {
  constexpr ForeignType kTypes[] = {
      ForeignType::kFloat32, ForeignType::kFloat16, ForeignType::kInt32,   ForeignType::kUint8,
      ForeignType::kInt64,   ForeignType::kUnknown, ForeignType::kBool,    ForeignType::kInt16,
      ForeignType::kUnknown, ForeignType::kInt8,    ForeignType::kFloat64, ForeignType::kUnknown,
      ForeignType::kUint64,  ForeignType::kUnknown, ForeignType::kUnknown, ForeignType::kUint32,
      ForeignType::kUint16};
  const bool is_known = type >= 0 && static_cast<std::size_t>(type) < std::size(kTypes);
  return is_known ? kTypes[type] : ForeignType::kUnknown;
}

class ModelReader {
 public:
  ModelReader(FlatTable root, std::int64_t most_operators)
      : root_(root), most_operators_(most_operators) {}

  TfliteModel Read() {
    if (const auto version = root_.Scalar<std::uint32_t>(model::kVersion, 0); version != 3) {
      Fail(ErrorCode::kModelFile, "expected a TensorFlow Lite model of version 3, got ", version);
    }
    const std::vector<FlatTable> graphs = root_.Children(model::kSubgraphs);
    if (graphs.empty()) Fail(ErrorCode::kModelFile, "expected a graph, got none");
    result_.description = root_.Text(model::kDescription);
    buffers_ = root_.Children(model::kBuffers);
    for (const FlatTable& tensor : Checked(graphs[0].Children(subgraph::kTensors), "tensors")) {
      AddTensor(tensor);
    }
    result_.inputs = Indices(graphs[0].Numbers<std::int32_t>(subgraph::kInputs), 0);
    result_.outputs = Indices(graphs[0].Numbers<std::int32_t>(subgraph::kOutputs), 0);
    const std::vector<FlatTable> codes = root_.Children(model::kOperatorCodes);
    const std::vector<FlatTable> nodes = graphs[0].Children(subgraph::kOperators);
    if (static_cast<std::int64_t>(nodes.size()) > most_operators_) {
      Fail(ErrorCode::kModelFile, "expected at most ", most_operators_, " nodes, got ",
           nodes.size());
    }
    for (const FlatTable& node : nodes) AddOperator(node, codes);
    return std::move(result_);
  }

 private:
  static std::vector<FlatTable> Checked(std::vector<FlatTable> tables, const char* what) {
    if (tables.size() > kMaxTensors) {
      Fail(ErrorCode::kModelFile, "expected at most ", kMaxTensors, " ", what, ", got ",
           tables.size());
    }
    return tables;
  }

  // `least`: -1 where a tensor may be absent.
  std::vector<std::int32_t> Indices(std::vector<std::int32_t> indices, std::int32_t least) const {
    for (const std::int32_t index : indices) {
      if (index < least || index >= static_cast<std::int32_t>(result_.tensors.size())) {
        Fail(ErrorCode::kModelFile, "expected indices of tensors below ", result_.tensors.size(),
             ", got ", index);
      }
    }
    return indices;
  }

  void AddTensor(const FlatTable& table) {
    TfliteTensor result;
    // Where converters joined operators, the last one's name stands first.
    const std::string said = table.Text(tensor::kName);
    const std::string first = said.substr(0, said.find(';'));
    const std::string base = first.empty() ? Concat("tensor", result_.tensors.size()) : first;
    result.name = base;
    for (int i = 2; !names_.insert(result.name).second; ++i) result.name = Concat(base, ":", i);
    result.type = TypeOf(table.Scalar<std::int8_t>(tensor::kType, 0));
    for (const std::int32_t size : table.Numbers<std::int32_t>(tensor::kShape)) {
      if (size < 0) {
        Fail(ErrorCode::kModelFile, "tensor '", result.name,
             "': expected sizes of at least 0, got ", size);
      }
      result.dimensions.push_back(size);
    }
    if (result.rank() > Shape::kMaxRank) {
      Fail(ErrorCode::kModelFile, "tensor '", result.name, "': expected at most ", Shape::kMaxRank,
           " dimensions, got ", result.rank());
    }
    if (table.Child(tensor::kSparsity)) {
      Fail(ErrorCode::kModelFile, "tensor '", result.name,
           "': expected one that holds all elements, got a sparse one");
    }
    const auto buffer = table.Scalar<std::uint32_t>(tensor::kBuffer, 0);
    if (buffer >= buffers_.size()) {
      Fail(ErrorCode::kModelFile, "tensor '", result.name, "': expected a buffer below ",
           buffers_.size(), ", got ", buffer);
    }
    result.bytes = buffers_[buffer].Bytes(0);
    if (const std::optional<FlatTable> details = table.Child(tensor::kQuantization)) {
      result.scales = details->Numbers<float>(quantization::kScale);
      result.zero_points = details->Numbers<std::int64_t>(quantization::kZeroPoint);
      result.quantized_axis = details->Scalar<std::int32_t>(quantization::kAxis, 0);
    }
    result_.tensors.push_back(std::move(result));
  }

  void AddOperator(const FlatTable& table, const std::vector<FlatTable>& codes) {
    TfliteOperator result;
    const auto index = table.Scalar<std::uint32_t>(node::kCode, 0);
    if (index >= codes.size()) {
      Fail(ErrorCode::kModelFile, "expected indices of operators below ", codes.size(), ", got ",
           index);
    }
    // Older files have a byte alone.
    const std::int32_t kind =
        std::max<std::int32_t>(codes[index].Scalar<std::int8_t>(code::kOldKind, 0),
                               codes[index].Scalar<std::int32_t>(code::kKind, 0));
    result.kind = static_cast<TfliteKind>(kind);
    const std::string custom = codes[index].Text(code::kCustom);
    result.name = custom.empty() ? Concat("operator ", kind) : custom;
    result.inputs = Indices(table.Numbers<std::int32_t>(node::kInputs), -1);
    result.outputs = Indices(table.Numbers<std::int32_t>(node::kOutputs), 0);
    result.options = table.Child(node::kOptions);
    result_.operators.push_back(std::move(result));
  }

  FlatTable root_;
  std::int64_t most_operators_;
  std::vector<FlatTable> buffers_;
  std::set<std::string> names_;
  TfliteModel result_;
};

}  // namespace

bool SeemsTflite(std::span<const std::byte> bytes) {
  constexpr std::string_view kIdentifier = "TFL3";
  return bytes.size() >= 8 &&
         std::memcmp(bytes.data() + 4, kIdentifier.data(), kIdentifier.size()) == 0;
}

TfliteModel ReadTfliteModel(flatbuffers::Verifier& verifier, std::span<const std::byte> bytes,
                            std::int64_t most_operators) {
  return ModelReader(FlatTable::Root(verifier, bytes), most_operators).Read();
}

}  // namespace espalier
