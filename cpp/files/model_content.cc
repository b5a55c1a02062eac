// SPDX-License-Identifier: Apache-2.0
#include "files/model_content.h"

#include <algorithm>
#include <map>
#include <utility>

#include "espalier/error.h"
#include "core/text.h"
#include "files/crc32.h"
#include "files/graph_json.h"
#include "files/json_writer.h"
#include "files/model_file.h"
#include "files/safetensors.h"
#include "network/graph.h"

namespace espalier {
namespace {

std::shared_ptr<NetworkState> Live(const Network& network) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a network, got one that was moved from");
  }
  return network.state();
}

// By parameter, what of it has 8 bits.
std::map<int, Int8Rows> QuantizeAll(const NetworkState& network) {
  std::map<int, Int8Rows> all;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    if (!HasInt8Weights(network, i)) continue;
    Int8Rows rows = QuantizeRows(network, i);
    // Rows that count as 0 have bytes of 0, and files scales above 0.
    std::ranges::replace(rows.scales.span(), 0.0f, 1.0f);
    all.emplace(network.layers[static_cast<std::size_t>(i)].parameters[0], std::move(rows));
  }
  return all;
}

// Tensors one after the other, with their checksums.
class TensorList {
 public:
  void Add(std::string name, std::string type, std::vector<std::int64_t> shape,
           std::span<const std::byte> bytes) {
    Crc32 checksum;
    checksum.Update(bytes);
    checksums.Add(name, checksum.ToString());
    const std::int64_t begin = header.data_bytes();
    header.tensors.push_back({.name = std::move(name),
                              .type = std::move(type),
                              .shape = std::move(shape),
                              .begin = begin,
                              .end = begin + static_cast<std::int64_t>(bytes.size())});
    pieces.push_back(bytes);
  }

  SafetensorsHeader header;
  JsonObject checksums;
  std::vector<std::span<const std::byte>> pieces;
};

std::vector<std::int64_t> Dimensions(const GraphParameter& parameter) {
  const auto dimensions = parameter.shape.dimensions();
  return {dimensions.begin(), dimensions.end()};
}

}  // namespace

ModelContent::ModelContent(const Network& network, const SaveOptions& options)
    : network_(Live(network)), scope_(network_->access, "save") {
  std::map<int, Int8Rows> quantized;
  if (options.int8_weights) quantized = QuantizeAll(*network_);
  const std::string graph = NetworkSpecToJson(SpecOf(*network_));
  TensorList list;
  list.checksums.Add(kGraphChecksum, Crc32Of(graph).ToString());
  for (std::size_t i = 0; i < network_->parameters.size(); ++i) {
    const GraphParameter& parameter = network_->parameters[i];
    const int index = static_cast<int>(i);
    const auto found = quantized.find(index);
    if (found == quantized.end()) {
      list.Add(parameter.path, kFloatType, Dimensions(parameter),
               std::as_bytes(ValuesOf(*network_, index)));
    } else {
      list.Add(parameter.path + kScaleSuffix, kFloatType, {found->second.rows()},
               std::as_bytes(found->second.scales.span()));
    }
  }
  for (auto& [index, rows] : quantized) {
    const GraphParameter& parameter = network_->parameters[static_cast<std::size_t>(index)];
    list.Add(parameter.path, kByteType, Dimensions(parameter), std::as_bytes(rows.bytes.span()));
    rows_.push_back(std::move(rows));  // its bytes stay where they are
  }
  list.header.metadata = {{kFormatKey, kFormat},
                          {kVersionKey, rows_.empty() ? kVersion : kInt8Version},
                          {kGraphKey, graph},
                          {kChecksumsKey, list.checksums.Finish().text}};
  header_ = WriteSafetensorsHeader(list.header, ModelFileLimits{});
  pieces_ = std::move(list.pieces);
  pieces_.insert(pieces_.begin(), std::as_bytes(std::span(header_)));
}

}  // namespace espalier
