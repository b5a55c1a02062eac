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
#include "files/json_writer.h"
#include "network/cost.h"
#include "network/graph.h"
#include "network/network_state.h"

namespace espalier {
namespace {

constexpr const char* kFormatKey = "format";
constexpr const char* kFormat = "espalier";
constexpr const char* kVersionKey = "espalier.version";
constexpr const char* kVersion = "1";
constexpr const char* kGraphKey = "espalier.graph";
constexpr const char* kChecksumsKey = "espalier.checksums";
constexpr const char* kGraphChecksum = "graph";  // among the checksums; paths have a dot
constexpr const char* kOwnPrefix = "espalier.";

// Read and checked at a time: fits the second-level cache.
constexpr std::size_t kPieceFloats = 64 * 1024;

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
  if (version != kVersion) {
    Fail(ErrorCode::kModelFile, "expected version ", kVersion, " of the model file, got \"",
         version.substr(0, 40), "\": written by another version of the library");
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

// The tensors that hold the network's parameters, in the order of parameters. They have to
// be exactly those that the graph calls for.
std::vector<const SafetensorsTensor*> MatchTensors(const NetworkState& network,
                                                   const SafetensorsHeader& header) {
  std::map<std::string_view, const SafetensorsTensor*> by_name;
  for (const SafetensorsTensor& tensor : header.tensors) {
    by_name.emplace(tensor.name, &tensor);
  }
  std::vector<const SafetensorsTensor*> tensors;
  std::vector<std::string> missing;
  for (const GraphParameter& parameter : network.parameters) {
    const auto entry = by_name.extract(parameter.path);
    if (entry.empty()) {
      missing.push_back(parameter.path);
      continue;
    }
    const SafetensorsTensor& tensor = *entry.mapped();
    if (!std::ranges::equal(tensor.shape, parameter.shape.dimensions())) {
      Fail(ErrorCode::kModelFile, "tensor '", tensor.name, "': expected shape ",
           parameter.shape.ToString(), ", got [", Join(tensor.shape, ", "), "]");
    }
    tensors.push_back(&tensor);
  }
  if (!missing.empty()) {
    Fail(ErrorCode::kModelFile, "expected a tensor for each parameter of the graph, missing ",
         Listed(missing));
  }
  if (!by_name.empty()) {
    std::vector<std::string> unknown;
    for (const auto& [name, tensor] : by_name) {
      unknown.emplace_back(name);
    }
    Fail(ErrorCode::kModelFile, "expected tensors of the graph's parameters only, got ",
         Listed(unknown));
  }
  return tensors;
}

Crc32 ReadValues(const ByteSource& file, std::int64_t offset, std::span<float> values,
                 const std::string& path, const LoadOptions& options) {
  Crc32 checksum;
  while (!values.empty()) {
    const std::span<float> piece = values.first(std::min(values.size(), kPieceFloats));
    file.ReadAt(offset, std::as_writable_bytes(piece));
    checksum.Update(std::as_bytes(piece));
    CheckFinite(piece, path, options);
    offset += static_cast<std::int64_t>(piece.size_bytes());
    values = values.subspan(piece.size());
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
  for (const int parameter : plan.order) {
    const std::span<float> values = ValuesOf(*plan.network, parameter);
    const std::string& path = plan.network->parameters[static_cast<std::size_t>(parameter)].path;
    CheckChecksum(plan, path, ReadValues(file, offset, values, path, options));
    offset += static_cast<std::int64_t>(values.size_bytes());
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
  const auto tensors = MatchTensors(*plan.network, header);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    plan.order.push_back(static_cast<int>(i));
    plan.data_bytes = std::max(plan.data_bytes, tensors[i]->end);
  }
  std::ranges::sort(plan.order, {}, [&](int parameter) {
    return tensors[static_cast<std::size_t>(parameter)]->begin;
  });
  CheckLimits(*plan.network, options.network_limits, CostUse::kPrediction);
  plan.network->limits = options.network_limits;
  AllocateValues(*plan.network);  // at most what the file says that it holds, and rounding
  return plan;
}

void CheckChecksum(ModelPlan& plan, const std::string& path, const Crc32& actual) {
  TakeChecksum(plan.checksums, path, actual);
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

std::string HeaderOf(NetworkState& network) {
  SafetensorsHeader header;
  const std::string graph = NetworkSpecToJson(SpecOf(network));
  JsonObject checksums;
  checksums.Add(kGraphChecksum, Crc32Of(graph).ToString());
  std::int64_t end = 0;
  for (std::size_t i = 0; i < network.parameters.size(); ++i) {
    const GraphParameter& parameter = network.parameters[i];
    const auto bytes = std::as_bytes(ValuesOf(network, static_cast<int>(i)));
    Crc32 checksum;
    checksum.Update(bytes);
    checksums.Add(parameter.path, checksum.ToString());
    const auto dimensions = parameter.shape.dimensions();
    header.tensors.push_back({.name = parameter.path,
                              .shape = {dimensions.begin(), dimensions.end()},
                              .begin = end,
                              .end = end + static_cast<std::int64_t>(bytes.size())});
    end = header.tensors.back().end;
  }
  header.metadata = {{kFormatKey, kFormat},
                     {kVersionKey, kVersion},
                     {kGraphKey, graph},
                     {kChecksumsKey, checksums.Finish().text}};
  return WriteSafetensorsHeader(header, ModelFileLimits{});
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

void SaveNetwork(const Network& network, const std::string& path) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a network, got one that was moved from");
  }
  NetworkState& state = *network.state();
  const ReadScope scope(state.access, "save");
  try {
    const std::string header = HeaderOf(state);
    FileReplacement file(path);
    file.Write(std::as_bytes(std::span(header)));
    for (std::size_t i = 0; i < state.parameters.size(); ++i) {
      file.Write(std::as_bytes(ValuesOf(state, static_cast<int>(i))));
    }
    file.Commit();
  } catch (const Error& error) {
    FailAt(path, error);
  }
}

}  // namespace espalier
