// SPDX-License-Identifier: Apache-2.0
#include "import/onnx_reader.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "import/onnx_entry.h"
#include "import/onnx_schema.h"
#include "import/onnx_tensor.h"
#include "import/proto_message.h"

namespace espalier {
namespace {

// Far above published models. Each element of the file's lists takes more memory than bytes.
constexpr std::int64_t kMaxReferences = 2'000'000;  // inputs and outputs of all nodes
constexpr std::int64_t kMaxAttributes = 2'000'000;
constexpr std::size_t kMaxListed = std::size_t{1} << 20;  // elements of one attribute
constexpr std::size_t kMaxValues = 4096;                  // inputs, or outputs, of the graph
constexpr std::size_t kMaxConstants = 200'000;

using onnx::AttributeType;

struct NamedValue {
  std::string name;
  ForeignValue value;
};

template <typename T>
void AppendTo(std::vector<T>& list, T value, std::size_t most, const char* what) {
  if (list.size() == most) {
    Fail(ErrorCode::kModelFile, "expected at most ", most, " ", what, ", got more");
  }
  list.push_back(std::move(value));
}

void CheckDomain(std::string& domain) {
  if (domain == "ai.onnx") domain.clear();
}

class OnnxReader {
 public:
  OnnxReader(const std::shared_ptr<const void>& owner, const ImportOptions& options,
             ExternalData* external)
      : owner_(owner), options_(options), external_(external) {}

  ForeignGraph ReadModel(ProtoMessage message) {
    std::optional<ProtoMessage> graph;
    std::string producer;
    while (message.Next()) {
      switch (message.field()) {
        case onnx::Model::kProducerName:
        case onnx::Model::kProducerVersion:
          producer += (producer.empty() ? "" : " ") + message.Text();
          break;
        case onnx::Model::kGraph:
          if (graph) Fail(ErrorCode::kModelFile, "expected one graph, got two");
          graph = message.Message();
          break;
        case onnx::Model::kOperatorSets:
          ReadVersion(message.Message());
          break;
        case onnx::Model::kMetadata:
          ReadMetadata(message.Message());
          break;
        default:
          message.Skip();
      }
    }
    if (!graph) Fail(ErrorCode::kModelFile, "expected a graph, got none: not an ONNX model");
    CheckVersion();
    graph_.metadata["producer"] = producer;
    ReadGraph(*graph);
    return std::move(graph_);
  }

 private:
  void ReadVersion(ProtoMessage message) {
    std::string domain;
    std::int64_t version = 0;
    while (message.Next()) {
      switch (message.field()) {
        case onnx::OperatorSet::kDomain:
          domain = message.Text();
          break;
        case onnx::OperatorSet::kVersion:
          version = message.Integer();
          break;
        default:
          message.Skip();
      }
    }
    CheckDomain(domain);
    versions_[domain] = version;
    if (versions_.size() > kMaxValues) {
      Fail(ErrorCode::kModelFile, "expected at most ", kMaxValues, " operator sets, got more");
    }
  }

  void CheckVersion() const {
    const auto own = versions_.find("");
    if (own == versions_.end()) {
      Fail(ErrorCode::kModelFile, "expected a version of ONNX's operator set, got none");
    }
    if (own->second < kLeastOnnxVersion || own->second > kGreatestOnnxVersion) {
      Fail(ErrorCode::kModelFile, "expected an operator set of version ", kLeastOnnxVersion, " to ",
           kGreatestOnnxVersion, ", got ", own->second,
           "; export the model again for one of those");
    }
  }

  void ReadMetadata(ProtoMessage message) {
    const auto [key, value] = ReadOnnxEntry(message);
    if (graph_.metadata.size() == kMaxValues) {
      Fail(ErrorCode::kModelFile, "expected at most ", kMaxValues,
           " entries of metadata, got more");
    }
    graph_.metadata[key] = std::string(reinterpret_cast<const char*>(value.data()), value.size());
  }

  // Constants first: older files list them as inputs too, and nodes read them.
  void ReadGraph(const ProtoMessage& message) {
    std::vector<NamedValue> inputs;
    std::vector<NamedValue> outputs;
    std::size_t constants = 0;
    for (ProtoMessage fields = message; fields.Next();) {
      switch (fields.field()) {
        case onnx::Graph::kInitializers: {
          if (++constants > kMaxConstants) {
            Fail(ErrorCode::kModelFile, "expected at most ", kMaxConstants, " constants, got more");
          }
          OnnxTensor constant = ReadOnnxTensor(fields.Message(), owner_, external_);
          graph_.AddConstant(constant.name, std::move(constant.tensor));
          break;
        }
        case onnx::Graph::kInputs:
          AppendTo(inputs, ReadValue(fields.Message()), kMaxValues + kMaxConstants, "inputs");
          break;
        case onnx::Graph::kOutputs:
          AppendTo(outputs, ReadValue(fields.Message()), kMaxValues, "outputs");
          break;
        default:
          fields.Skip();
      }
    }
    for (NamedValue& input : inputs) {
      if (graph_.Constant(input.name) != nullptr) continue;
      if (graph_.inputs().size() == kMaxValues) {
        Fail(ErrorCode::kModelFile, "expected at most ", kMaxValues, " inputs, got more");
      }
      graph_.AddInput(input.name, std::move(input.value));
    }
    for (ProtoMessage fields = message; fields.Next();) {
      if (fields.field() == onnx::Graph::kNodes) {
        AddNode(fields.Message());
      } else {
        fields.Skip();
      }
    }
    for (const NamedValue& output : outputs) {
      if (!graph_.Knows(output.name)) {
        Fail(ErrorCode::kModelFile, "output '", output.name,
             "': expected a node that makes it, got none");
      }
      graph_.AddOutput(output.name, output.name);
    }
  }

  void AddNode(ProtoMessage message) {
    if (++nodes_ > options_.nodes) {
      Fail(ErrorCode::kModelFile, "expected at most ", options_.nodes, " nodes, got more");
    }
    ForeignNode node;
    while (message.Next()) {
      switch (message.field()) {
        case onnx::Node::kInputs:
          AddReference(node.inputs, message.Text());
          break;
        case onnx::Node::kOutputs:
          AddReference(node.outputs, message.Text());
          break;
        case onnx::Node::kName:
          node.name = message.Text();
          break;
        case onnx::Node::kOperator:
          node.kind = message.Text();
          break;
        case onnx::Node::kAttributes:
          ReadAttribute(message.Message(), node);
          break;
        case onnx::Node::kDomain:
          node.domain = message.Text();
          break;
        default:
          message.Skip();
      }
    }
    CheckDomain(node.domain);
    if (const auto version = versions_.find(node.domain); version != versions_.end()) {
      node.version = version->second;
    }
    for (const std::string& input : node.inputs) {
      if (!input.empty() && !graph_.Knows(input)) {
        Fail(ErrorCode::kModelFile, "node '", node.name, "' (", node.kind, ") reads '", input,
             "': expected what an earlier node makes, got a value that none does");
      }
    }
    graph_.Append(std::move(node));
  }

  void AddReference(std::vector<std::string>& list, std::string name) {
    if (++references_ > kMaxReferences) {
      Fail(ErrorCode::kModelFile, "expected at most ", kMaxReferences,
           " inputs and outputs of nodes, got more");
    }
    list.push_back(std::move(name));
  }

  void ReadAttribute(ProtoMessage message, ForeignNode& node) {
    if (++attributes_ > kMaxAttributes) {
      Fail(ErrorCode::kModelFile, "expected at most ", kMaxAttributes, " attributes, got more");
    }
    std::string name;
    auto type = AttributeType::kUndefined;
    ForeignAttribute value = ForeignOther{"what no operator here takes"};
    std::vector<std::int64_t> integers;
    std::vector<float> floats;
    std::vector<std::string> texts;
    while (message.Next()) {
      switch (message.field()) {
        case onnx::Attribute::kName:
          name = message.Text();
          break;
        case onnx::Attribute::kFloat:
          value = message.Float();
          break;
        case onnx::Attribute::kInt:
          value = message.Integer();
          break;
        case onnx::Attribute::kString:
          value = ReadText(message.Bytes());
          break;
        case onnx::Attribute::kTensor:
          value = ReadTensor(message.Message());
          break;
        case onnx::Attribute::kGraph:
        case onnx::Attribute::kGraphs:
          value = ForeignOther{"a graph"};
          message.Skip();
          break;
        case onnx::Attribute::kFloats:
          message.Floats([&](float element) {
            AppendTo(floats, element, kMaxListed, "elements of an attribute");
          });
          break;
        case onnx::Attribute::kInts:
          message.Integers([&](std::int64_t element) {
            AppendTo(integers, element, kMaxListed, "elements of an attribute");
          });
          break;
        case onnx::Attribute::kStrings:
          AppendTo(texts, message.Text(), kMaxValues, "texts of an attribute");
          break;
        case onnx::Attribute::kType:
          type = static_cast<AttributeType>(message.Integer());
          break;
        default:
          message.Skip();
      }
    }
    if (!integers.empty()) type = AttributeType::kInts;
    if (!floats.empty()) type = AttributeType::kFloats;
    if (!texts.empty()) type = AttributeType::kStrings;
    if (type == AttributeType::kInts) value = std::move(integers);
    if (type == AttributeType::kFloats) value = std::move(floats);
    if (type == AttributeType::kStrings) value = std::move(texts);
    if (std::holds_alternative<ForeignOther>(value)) SetDefault(type, value);
    node.attributes[name] = std::move(value);
  }

  // Writers may leave out what is zero.
  static void SetDefault(AttributeType type, ForeignAttribute& value) {
    if (type == AttributeType::kFloat) value = 0.0f;
    if (type == AttributeType::kInt) value = std::int64_t{0};
    if (type == AttributeType::kString) value = std::string();
  }

  static ForeignAttribute ReadText(std::span<const std::byte> bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.size() > ProtoMessage::kMaxText || !IsUtf8(text)) return ForeignOther{"bytes"};
    return std::string(text);
  }

  // An array of a type that is not read here matters only to who wants it.
  ForeignAttribute ReadTensor(const ProtoMessage& message) const {
    ProtoMessage types = message;
    while (types.Next()) {
      if (types.field() != onnx::Tensor::kType) {
        types.Skip();
      } else if (ForeignTypeOfOnnx(types.Integer()) == ForeignType::kUnknown) {
        return ForeignOther{"an array of what are no numbers"};
      }
    }
    return ReadOnnxTensor(message, owner_, external_).tensor;
  }

  static NamedValue ReadValue(ProtoMessage message) {
    NamedValue result;
    while (message.Next()) {
      switch (message.field()) {
        case onnx::ValueInfo::kName:
          result.name = message.Text();
          break;
        case onnx::ValueInfo::kType:
          ReadType(message.Message(), result.value);
          break;
        default:
          message.Skip();
      }
    }
    return result;
  }

  // TypeProto; sequences and maps stay kUnknown.
  static void ReadType(ProtoMessage message, ForeignValue& value) {
    while (message.Next()) {
      if (message.field() != onnx::ValueType::kTensor) {
        message.Skip();
        continue;
      }
      for (ProtoMessage tensor = message.Message(); tensor.Next();) {
        switch (tensor.field()) {
          case onnx::TensorType::kElement:
            value.type = ForeignTypeOfOnnx(tensor.Integer());
            break;
          case onnx::TensorType::kShape:
            value.dimensions = ReadDimensions(tensor.Message());
            break;
          default:
            tensor.Skip();
        }
      }
    }
  }

  static ForeignDimensions ReadDimensions(ProtoMessage message) {
    ForeignDimensions dimensions;
    while (message.Next()) {
      if (message.field() != onnx::TensorShape::kDimensions) {
        message.Skip();
        continue;
      }
      ForeignDimension dimension;
      for (ProtoMessage fields = message.Message(); fields.Next();) {
        switch (fields.field()) {
          case onnx::Dimension::kSize:
            // Some writers say -1, or 0, of what is not known.
            if (const std::int64_t size = fields.Integer(); size > 0) {
              dimension = ForeignDimension::Fixed(size);
            }
            break;
          case onnx::Dimension::kName:
            if (std::string name = fields.Text(); !name.empty()) {
              dimension = {.kind = ForeignDimension::Kind::kNamed, .name = std::move(name)};
            }
            break;
          default:
            fields.Skip();
        }
      }
      AppendTo(dimensions, std::move(dimension), static_cast<std::size_t>(Shape::kMaxRank),
               "dimensions of an input");
    }
    return dimensions;
  }

  const std::shared_ptr<const void>& owner_;
  const ImportOptions& options_;
  ExternalData* external_;
  ForeignGraph graph_;
  std::map<std::string, std::int64_t> versions_;
  std::int64_t nodes_ = 0;
  std::int64_t references_ = 0;
  std::int64_t attributes_ = 0;
};

}  // namespace

ForeignGraph ReadOnnx(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                      const ImportOptions& options, ExternalData* external) {
  return OnnxReader(owner, options, external).ReadModel(ProtoMessage(bytes));
}

}  // namespace espalier
