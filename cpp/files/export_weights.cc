// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/text.h"
#include "espalier/weights.h"
#include "files/file_io.h"
#include "files/safetensors.h"
#include "files/weight_names.h"
#include "network/network_state.h"

namespace espalier {
namespace {

// Written at a time where values lie otherwise than in the network.
constexpr std::int64_t kPieceElements = 32 * 1024;

bool IsTransposed(const ParameterTensors& tensors) {
  return tensors.values == WeightRule::Values::kTransposed;
}

void CheckName(const GraphParameter& parameter, const std::string& name) {
  const ModelFileLimits limits;
  if (static_cast<std::int64_t>(name.size()) > limits.name_bytes ||
      name.find('\0') != std::string::npos || name == "__metadata__") {
    Fail(ErrorCode::kInvalidArgument, "parameter '", parameter.path,
         "': expected a tensor's name of at most ", limits.name_bytes,
         " bytes without NUL that is not __metadata__, got '", name.substr(0, 80), "'");
  }
}

// Joined tensors lie one after the other, as their rows do in the parameter.
SafetensorsHeader HeaderOf(const NetworkState& network,
                           const std::vector<ParameterTensors>& tensors) {
  SafetensorsHeader header;
  header.metadata = {{"format", "pt"}};  // by which PyTorch's programs know how tensors lie
  std::int64_t end = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const GraphParameter& parameter = network.parameters[i];
    if (tensors[i].values == WeightRule::Values::kReshaped) {
      Fail(ErrorCode::kInvalidArgument, "weight rule '", tensors[i].rule->parameter, "' to '",
           tensors[i].rule->tensor, "': expected one that says the tensor's shape, got kReshaped");
    }
    const std::vector<std::int64_t> shape = TensorShape(parameter, tensors[i]);
    const auto count = static_cast<std::int64_t>(tensors[i].names.size());
    const std::int64_t bytes =
        parameter.shape.element_count() / count * static_cast<std::int64_t>(sizeof(float));
    for (const std::string& name : tensors[i].names) {
      CheckName(parameter, name);
      header.tensors.push_back({.name = name, .shape = shape, .begin = end, .end = end + bytes});
      end += bytes;
    }
  }
  return header;
}

void WriteTransposed(std::span<const float> values, std::int64_t columns, FileReplacement& file) {
  const auto count = static_cast<std::int64_t>(values.size());
  const std::int64_t rows = count / columns;
  std::vector<float> piece;
  piece.reserve(static_cast<std::size_t>(std::min(count, kPieceElements)));
  for (std::int64_t i = 0; i < count; ++i) {
    piece.push_back(values[static_cast<std::size_t>(i % rows * columns + i / rows)]);
    if (piece.size() == piece.capacity() || i + 1 == count) {
      file.Write(std::as_bytes(std::span(piece)));
      piece.clear();
    }
  }
}

void Write(const NetworkState& network, const std::vector<ParameterTensors>& tensors,
           FileReplacement& file) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Shape& shape = network.parameters[i].shape;
    const std::span values(network.parameter_values(static_cast<int>(i)),
                           static_cast<std::size_t>(shape.element_count()));
    if (IsTransposed(tensors[i])) {
      WriteTransposed(values, shape.dimensions()[1], file);
    } else {
      file.Write(std::as_bytes(values));
    }
  }
}

}  // namespace

void ExportSafetensors(const Network& network, const std::string& path, const WeightMap& map) {
  if (network.state() == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a network, got one that was moved from");
  }
  if (map.learned) {
    Fail(ErrorCode::kInvalidArgument,
         "weight map: expected one that says how tensors are called, got one that learns it");
  }
  const NetworkState& state = *network.state();
  const ReadScope scope(network.state()->access, "export");
  const std::vector<ParameterTensors> tensors = TensorsOf(state, map);
  const std::string header = WriteSafetensorsHeader(HeaderOf(state, tensors), ModelFileLimits{});
  try {
    FileReplacement file(path);
    file.Write(std::as_bytes(std::span(header)));
    Write(state, tensors, file);
    file.Commit();
  } catch (const Error& error) {
    Fail(error.code(), path, ": ", MessageOf(error));
  }
}

}  // namespace espalier
