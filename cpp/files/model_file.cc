// SPDX-License-Identifier: Apache-2.0
#include "files/model_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "core/text.h"
#include "files/crc32.h"
#include "files/foreign_file.h"
#include "files/graph_json.h"
#include "files/model_content.h"
#include "files/strict_json.h"
#include "network/cost.h"
#include "network/graph.h"
#include "network/network_state.h"

namespace espalier {
namespace {

constexpr const char* kOwnPrefix = "espalier.";

// Read and checked at a time: fits the second-level cache.
constexpr std::size_t kPieceBytes = 256 * 1024;

constexpr std::size_t kMaxListed = 5;

using Metadata = std::map<std::string, std::string>;

const std::string& RequiredMetadata(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) {
    Fail(ErrorCode::kModelFile, "expected the metadata '", key,
         "', got none: not a model file of this library");
  }
  return found->second;
}

void CheckMetadata(const Metadata& metadata) {
  const std::string& format = RequiredMetadata(metadata, kFormatKey);
  if (format != kFormat) {
    Fail(ErrorCode::kModelFile, "expected the metadata 'format' to be \"", kFormat, "\", got \"",
         format.substr(0, 40), "\": a safetensors file of another program");
  }
  const std::string& version = RequiredMetadata(metadata, kVersionKey);
  if (version != kVersion && version != kInt8Version) {
    Fail(ErrorCode::kModelFile, "expected version ", kVersion, " or ", kInt8Version,
         " of the model file, got \"", version.substr(0, 40),
         "\": written by another version of the library");
  }
  for (const auto& [key, value] : metadata) {
    if (key.starts_with(kOwnPrefix) && key != kVersionKey && key != kGraphKey &&
        key != kChecksumsKey) {
      Fail(ErrorCode::kModelFile, "unknown metadata '", key, "'");
    }
  }
}

std::map<std::string, std::string> ReadChecksums(const std::string& text) {
  const JsonValue parsed = ParseStrictJson(text, kChecksumsKey);
  const auto* members = std::get_if<JsonValue::Object>(&parsed.content);
  if (members == nullptr) {
    Fail(ErrorCode::kModelFile, kChecksumsKey, ": expected an object, got an array");
  }
  std::map<std::string, std::string> checksums;
  for (const JsonMember& member : *members) {
    const JsonReader value(member.value, JsonFieldPath(kChecksumsKey, member.key));
    checksums.emplace(member.key, value.Text());
  }
  return checksums;
}

// Takes the checksum of `name` out of those expected.
void TakeChecksum(std::map<std::string, std::string>& expected, const std::string& name,
                  const Crc32& actual) {
  const auto entry = expected.extract(name);
  if (entry.empty()) {
    Fail(ErrorCode::kModelFile, kChecksumsKey, ": expected an entry '", name, "', got none");
  }
  if (entry.mapped() != actual.ToString()) {
    Fail(ErrorCode::kModelFile, "'", name, "' is damaged: expected the checksum ",
         entry.mapped().substr(0, 40), ", got ", actual.ToString());
  }
}

class TensorMatcher {
 public:
  TensorMatcher(const SafetensorsHeader& header, bool has_bytes) : has_bytes_(has_bytes) {
    for (const SafetensorsTensor& tensor : header.tensors) by_name_.emplace(tensor.name, &tensor);
  }

  // The tensors that hold the network's parameters. They have to be exactly those that the graph
  // calls for, and scales of those that are bytes.
  std::vector<ModelTensor> Match(const NetworkState& network) {
    for (std::size_t i = 0; i < network.parameters.size(); ++i) {
      const GraphParameter& parameter = network.parameters[i];
      const auto dimensions = parameter.shape.dimensions();
      const SafetensorsTensor* values =
          Take(parameter.path, {dimensions.begin(), dimensions.end()});
      if (values == nullptr) continue;
      Add(*values, static_cast<int>(i), values->type != kFloatType);
      if (values->type == kFloatType) continue;
      CheckBytes(*values);
      const std::string scale = parameter.path + kScaleSuffix;
      const SafetensorsTensor* scales = Take(scale, {parameter.shape[0]});
      if (scales == nullptr) continue;
      if (scales->type != kFloatType) {
        Fail(ErrorCode::kModelFile, "tensor '", scale, "': expected ", kFloatType, ", got ",
             scales->type);
      }
      Add(*scales, static_cast<int>(i), true);
    }
    CheckAllMatched();
    std::ranges::sort(tensors_, {}, [](const ModelTensor& tensor) { return tensor.source->begin; });
    return std::move(tensors_);
  }

 private:
  const SafetensorsTensor* Take(const std::string& name, const std::vector<std::int64_t>& shape) {
    const auto entry = by_name_.extract(name);
    if (entry.empty()) {
      missing_.push_back(name);
      return nullptr;
    }
    const SafetensorsTensor& tensor = *entry.mapped();
    if (tensor.shape != shape) {
      Fail(ErrorCode::kModelFile, "tensor '", name, "': expected shape [", Join(shape, ", "),
           "], got [", Join(tensor.shape, ", "), "]");
    }
    return &tensor;
  }

  void Add(const SafetensorsTensor& tensor, int parameter, bool is_quantized) {
    tensors_.push_back({.source = &tensor,
                        .parameter = parameter,
                        .name = tensor.name,
                        .bytes = {},
                        .floats = {},
                        .is_quantized = is_quantized});
  }

  void CheckBytes(const SafetensorsTensor& tensor) const {
    if (has_bytes_) return;
    Fail(ErrorCode::kModelFile, "tensor '", tensor.name, "': expected ", kFloatType, " in version ",
         kVersion, " of the model file, got ", tensor.type);
  }

  void CheckAllMatched() const {
    if (!missing_.empty()) {
      Fail(ErrorCode::kModelFile, "expected a tensor for each parameter of the graph, missing ",
           Listed(missing_));
    }
    if (!by_name_.empty()) {
      std::vector<std::string> unknown;
      for (const auto& [name, tensor] : by_name_) unknown.emplace_back(name);
      Fail(ErrorCode::kModelFile, "expected tensors of the graph's parameters only, got ",
           Listed(unknown));
    }
  }

  bool has_bytes_;
  std::map<std::string_view, const SafetensorsTensor*> by_name_;
  std::vector<std::string> missing_;
  std::vector<ModelTensor> tensors_;
};

// Gives each tensor its place in the network's values, or beside them.
void PlaceTensors(ModelPlan& plan) {
  for (ModelTensor& tensor : plan.tensors) {
    const GraphParameter& parameter =
        plan.network->parameters[static_cast<std::size_t>(tensor.parameter)];
    tensor.floats = ValuesOf(*plan.network, tensor.parameter);
    if (tensor.is_quantized) {
      QuantizedValues& values =
          plan.quantized
              .try_emplace(tensor.parameter, parameter.path, tensor.floats, parameter.shape[0])
              .first->second;
      const bool are_bytes = tensor.source->type == kByteType;
      tensor.floats = are_bytes ? std::span<float>() : values.scales_place();
      if (are_bytes) tensor.bytes = values.bytes_place();
    }
    if (!tensor.floats.empty()) tensor.bytes = std::as_writable_bytes(tensor.floats);
    tensor.source = nullptr;
  }
}

Crc32 ReadTensor(const ByteSource& file, std::int64_t offset, const ModelTensor& tensor,
                 const LoadOptions& options) {
  Crc32 checksum;
  const std::size_t size = tensor.bytes.size();
  for (std::size_t begin = 0; begin < size; begin += kPieceBytes) {
    const std::size_t count = std::min(size - begin, kPieceBytes);
    const std::span<std::byte> piece = tensor.bytes.subspan(begin, count);
    file.ReadAt(offset + static_cast<std::int64_t>(begin), piece);
    checksum.Update(piece);
    if (!tensor.is_quantized) {
      CheckFinite(tensor.floats.subspan(begin / sizeof(float), count / sizeof(float)), tensor.name,
                  options);
    }
  }
  return checksum;
}

std::shared_ptr<NetworkState> ReadGraph(const std::string& json, const NetworkLimits& limits) {
  const NetworkSpec spec = NetworkSpecFromJson(json);
  std::size_t layers = spec.layers.size() + spec.heads.size();
  for (const HeadSpec& head : spec.heads) layers += head.layers.size();
  CheckLayerCount(static_cast<std::int64_t>(layers), limits);
  return BuildGraph(spec);
}

std::shared_ptr<NetworkState> ReadState(const ByteSource& file, const LoadOptions& options) {
  const SafetensorsHeader header = ReadSafetensorsHeader(file, options.limits);
  ModelPlan plan = PlanModel(header, options);
  std::int64_t offset = header.data_begin;
  for (const ModelTensor& tensor : plan.tensors) {
    FinishTensor(plan, tensor, ReadTensor(file, offset, tensor, options));
    offset += static_cast<std::int64_t>(tensor.bytes.size());
  }
  CheckNoChecksumLeft(plan);
  return plan.network;
}

[[noreturn]] void FailAt(const std::string& path, const Error& error) {
  Fail(error.code(), path, ": ", MessageOf(error));
}

}  // namespace

std::string Listed(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMaxListed);
  std::string text = Join(std::span(names).first(shown), ", ");
  return names.size() > shown ? Concat(text, " and ", names.size() - shown, " more") : text;
}

ModelPlan PlanModel(const SafetensorsHeader& header, const LoadOptions& options) {
  CheckMetadata(header.metadata);
  const std::string& graph = RequiredMetadata(header.metadata, kGraphKey);
  ModelPlan plan;
  plan.checksums = ReadChecksums(RequiredMetadata(header.metadata, kChecksumsKey));
  TakeChecksum(plan.checksums, kGraphChecksum, Crc32Of(graph));
  plan.network = ReadGraph(graph, options.network_limits);
  const bool has_bytes = header.metadata.at(kVersionKey) == kInt8Version;
  plan.tensors = TensorMatcher(header, has_bytes).Match(*plan.network);
  plan.data_bytes = header.data_bytes();
  CheckLimits(*plan.network, options.network_limits, CostUse::kPrediction);
  plan.network->limits = options.network_limits;
  // At most four times what the file says that it holds, and rounding.
  AllocateValues(*plan.network);
  PlaceTensors(plan);
  return plan;
}

void FinishTensor(ModelPlan& plan, const ModelTensor& tensor, const Crc32& checksum) {
  TakeChecksum(plan.checksums, tensor.name, checksum);
  if (tensor.is_quantized) plan.quantized.at(tensor.parameter).Arrived();
}

void CheckFinite(std::span<const float> values, const std::string& path,
                 const LoadOptions& options) {
  if (options.finite_only &&
      !std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
    Fail(ErrorCode::kModelFile, "'", path, "': expected finite values, got others");
  }
}

void CheckNoChecksumLeft(const ModelPlan& plan) {
  if (!plan.checksums.empty()) {
    Fail(ErrorCode::kModelFile, kChecksumsKey, ": unknown entry '", plan.checksums.begin()->first,
         "'");
  }
}

std::span<float> ValuesOf(NetworkState& network, int parameter) {
  const Shape& shape = network.parameters[static_cast<std::size_t>(parameter)].shape;
  return {network.parameter_values(parameter), static_cast<std::size_t>(shape.element_count())};
}

std::vector<std::byte> FirstBytes(const ByteSource& file) {
  const auto size =
      static_cast<std::size_t>(std::min(file.size(), static_cast<std::int64_t>(kForeignFileBytes)));
  std::vector<std::byte> bytes(size);
  file.ReadAt(0, bytes);
  return bytes;
}

void RethrowAsModelFile(const Error& error, std::span<const std::byte> first_bytes) {
  if (error.code() != ErrorCode::kModelFile && error.code() != ErrorCode::kInvalidArgument &&
      error.code() != ErrorCode::kShapeMismatch) {
    throw error;
  }
  const std::string foreign = SeemsToBe(first_bytes);
  Fail(ErrorCode::kModelFile, MessageOf(error),
       foreign.empty() ? foreign : Concat("; it seems to be ", foreign));
}

Network LoadNetworkFrom(const ByteSource& file, const LoadOptions& options) {
  CheckLimitValues(options.network_limits);
  try {
    return Network(ReadState(file, options));
  } catch (const Error& error) {
    RethrowAsModelFile(error, FirstBytes(file));
  }
}

Network LoadNetwork(const std::string& path, const NetworkLimits& limits) {
  try {
    return LoadNetworkFrom(FileSource(path), {.network_limits = limits});
  } catch (const Error& error) {
    FailAt(path, error);
  }
}

Network LoadNetwork(std::span<const std::byte> bytes, const NetworkLimits& limits) {
  return LoadNetworkFrom(MemorySource(bytes), {.network_limits = limits});
}

void SaveNetwork(const Network& network, const std::string& path, const SaveOptions& options) {
  const ModelContent content(network, options);
  try {
    FileReplacement file(path);
    for (const std::span<const std::byte> piece : content.pieces()) file.Write(piece);
    file.Commit();
  } catch (const Error& error) {
    FailAt(path, error);
  }
}

}  // namespace espalier
