// SPDX-License-Identifier: Apache-2.0
#include "espalier/network.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/near_names.h"
#include "core/text.h"
#include "network/describe.h"
#include "network/graph.h"
#include "network/network_state.h"
#include "network/parameter_layout.h"
#include "network/task_check.h"
#include "network/transfer.h"

namespace espalier {
namespace {

NetworkState& Live(const std::shared_ptr<NetworkState>& state) {
  if (state == nullptr) {
    Fail(ErrorCode::kInvalidState, "expected a network, got one that was moved from");
  }
  return *state;
}

int FindParameter(const NetworkState& network, std::string_view path) {
  for (std::size_t i = 0; i < network.parameters.size(); ++i) {
    if (network.parameters[i].path == path) {
      return static_cast<int>(i);
    }
  }
  std::vector<std::string> known;
  for (const GraphParameter& parameter : network.parameters) {
    known.push_back(parameter.path);
  }
  Fail(ErrorCode::kInvalidArgument, "expected a parameter's path, got '", path,
       "', which no parameter has", DidYouMean(path, known));
}

}  // namespace

Network Network::Build(const NetworkSpec& spec, std::uint64_t seed) {
  std::shared_ptr<NetworkState> network = BuildGraph(spec);
  AllocateValues(*network);
  std::vector<int> layers(network->layers.size());
  std::iota(layers.begin(), layers.end(), 0);
  InitializeParameters(*network, seed, layers);
  return Network(std::move(network));
}

Network::Network(std::shared_ptr<NetworkState> state) : state_(std::move(state)) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Network Network::Clone() const {
  NetworkState& network = Live(state_);
  const ReadScope scope(network.access, "clone");
  return Network(CopyState(network));
}

Network Network::Transfer(const TransferSpec& spec, std::uint64_t seed) const {
  NetworkState& network = Live(state_);
  const ReadScope scope(network.access, "transfer");
  return Network(TransferredState(network, spec, seed));
}

std::vector<LayerDescription> Network::ExplainTransfer(const TransferSpec& spec) const {
  NetworkState& network = Live(state_);
  const ReadScope scope(network.access, "explain transfer");
  return TransferRows(network, spec);
}

void Network::Freeze(const LayerPattern& pattern, bool adapt_statistics) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "freeze");
  for (const int index : MatchLayers(network, pattern)) {
    GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
    layer.frozen = true;
    layer.adapt_statistics = adapt_statistics && layer.layer->kind() == "batch_norm";
  }
  ++network.structure_version;
}

void Network::Unfreeze(const LayerPattern& pattern) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "unfreeze");
  for (const int index : MatchLayers(network, pattern)) {
    GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
    layer.frozen = false;
    layer.adapt_statistics = false;
  }
  ++network.structure_version;
}

void Network::SetLearningRateScale(const std::string& pattern, double scale) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "set learning rate scale");
  const std::vector<int> layers = MatchLayers(network, {.pattern = pattern});
  CheckLearningRateScale(pattern, scale);
  for (const int layer : layers) {
    network.layers[static_cast<std::size_t>(layer)].learning_rate_scale = scale;
  }
  ++network.structure_version;
}

void Network::SetThresholds(std::string_view head, std::span<const double> thresholds) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "set thresholds");
  std::vector<std::string> names;
  for (GraphHead& candidate : network.heads) {
    if (candidate.name == head) {
      TaskSpec task = candidate.task;
      task.thresholds.assign(thresholds.begin(), thresholds.end());
      CheckTask(candidate.name, task);
      candidate.task = std::move(task);
      return;
    }
    names.push_back(candidate.name);
  }
  Fail(ErrorCode::kInvalidArgument, "expected one of the heads ", Join(names, ", "), ", got '",
       head, "'");
}

NetworkSpec Network::Spec() const {
  NetworkState& network = Live(state_);
  const ReadScope scope(network.access, "spec");
  return SpecOf(network);
}

std::vector<LayerDescription> Network::Describe() const {
  NetworkState& network = Live(state_);
  const ReadScope scope(network.access, "describe");
  return LayerRows(network);
}

std::vector<ParameterDescription> Network::Parameters() const {
  NetworkState& network = Live(state_);
  const ReadScope scope(network.access, "parameters");
  std::vector<ParameterDescription> descriptions;
  for (const GraphParameter& parameter : network.parameters) {
    descriptions.push_back({.path = parameter.path,
                            .shape = parameter.shape,
                            .is_buffer = parameter.role == ParameterRole::kBuffer});
  }
  return descriptions;
}

std::vector<float> Network::ReadParameter(std::string_view path) const {
  NetworkState& network = Live(state_);
  const ReadScope scope(network.access, "read parameter");
  const int index = FindParameter(network, path);
  const float* values = network.parameter_values(index);
  return {values,
          values + network.parameters[static_cast<std::size_t>(index)].shape.element_count()};
}

void Network::WriteParameter(std::string_view path, std::span<const float> values) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "write parameter");
  const int index = FindParameter(network, path);
  const GraphParameter& parameter = network.parameters[static_cast<std::size_t>(index)];
  if (static_cast<std::int64_t>(values.size()) != parameter.shape.element_count()) {
    Fail(ErrorCode::kShapeMismatch, "parameter '", path, "': expected ",
         parameter.shape.element_count(), " values for ", parameter.shape.ToString(), ", got ",
         values.size());
  }
  std::copy(values.begin(), values.end(), network.parameter_values(index));
  ++network.values_version;
  if (network.layers[static_cast<std::size_t>(parameter.layer)].frozen) {
    ++network.structure_version;  // a trainer's frozen prefix is a copy of what was here
  }
}

std::int64_t Network::NativeBytes() const { return Live(state_).values.bytes(); }

}  // namespace espalier
