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

bool IsTransposed(const ParameterTensor& tensor) {
  return tensor.values() == WeightRule::Values::kTransposed;
}

void CheckExport(const GraphParameter& parameter, const ParameterTensor& tensor) {
  if (tensor.values() == WeightRule::Values::kReshaped) {
    Fail(ErrorCode::kInvalidArgument, "weight rule '", tensor.rule->parameter, "' to '",
         tensor.rule->tensor, "': expected one that says the tensor's shape, got kReshaped");
  }
  if (IsTransposed(tensor) && parameter.shape.rank() != 2) {
    Fail(ErrorCode::kInvalidArgument, "weight rule '", tensor.rule->parameter, "' to '",
         tensor.rule->tensor, "': expected a parameter of 2 dimensions to be transposed, got '",
         parameter.path, "' of ", parameter.shape.ToString());
  }
  const ModelFileLimits limits;
  if (static_cast<std::int64_t>(tensor.name.size()) > limits.name_bytes ||
      tensor.name.find('\0') != std::string::npos || tensor.name == "__metadata__") {
    Fail(ErrorCode::kInvalidArgument, "parameter '", parameter.path,
         "': expected a tensor's name of at most ", limits.name_bytes,
         " bytes without NUL that is not __metadata__, got '", tensor.name.substr(0, 80), "'");
  }
}

SafetensorsHeader HeaderOf(const NetworkState& network,
                           const std::vector<ParameterTensor>& tensors) {
  SafetensorsHeader header;
  header.metadata = {{"format", "pt"}};  // by which PyTorch's programs know how tensors lie
  std::int64_t end = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const GraphParameter& parameter = network.parameters[i];
    CheckExport(parameter, tensors[i]);
    const auto dimensions = parameter.shape.dimensions();
    SafetensorsTensor tensor{
        .name = tensors[i].name, .shape = {dimensions.begin(), dimensions.end()}, .begin = end};
    if (IsTransposed(tensors[i])) std::ranges::reverse(tensor.shape);
    end += parameter.shape.element_count() * static_cast<std::int64_t>(sizeof(float));
    tensor.end = end;
    header.tensors.push_back(std::move(tensor));
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

void Write(const NetworkState& network, const std::vector<ParameterTensor>& tensors,
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
  const NetworkState& state = *network.state();
  const ReadScope scope(network.state()->access, "export");
  const std::vector<ParameterTensor> tensors = TensorsOf(state, map);
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
