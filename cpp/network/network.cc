// SPDX-License-Identifier: Apache-2.0
#include "espalier/network.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/near_names.h"
#include "core/text.h"
#include "network/describe.h"
#include "network/graph.h"
#include "network/metadata.h"
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
       "', which no parameter has", NamesInstead(path, known));
}

void CheckColumns(const NetworkState& network, const char* what, std::span<const double> columns) {
  if (static_cast<std::int64_t>(columns.size()) != network.total_width()) {
    Fail(ErrorCode::kShapeMismatch, what, ": expected ", network.total_width(),
         ", one an output of all heads, got ", columns.size());
  }
}

void CheckFiniteColumns(const NetworkState& network, const char* what,
                        std::span<const double> columns) {
  CheckColumns(network, what, columns);
  for (const double value : columns) {
    if (!std::isfinite(value)) {
      Fail(ErrorCode::kInvalidArgument, what, ": expected finite numbers, got ", value);
    }
  }
}

// The first as many columns, which leave `columns`.
std::span<const double> TakeColumns(std::span<const double>& columns, std::int64_t count) {
  const auto taken = columns.first(static_cast<std::size_t>(count));
  columns = columns.subspan(taken.size());
  return taken;
}

// An output layer and the columns of its outputs.
struct ScaledRows {
  ScaledRows(NetworkState& network, const GraphHead& head, std::span<const double>& scale_columns,
             std::span<const double>& bias_columns)
      : output(network.layers[static_cast<std::size_t>(head.output)]),
        weights(network.parameter_values(output.parameters[0])),
        bias(network.parameter_values(output.parameters[1])),
        scales(TakeColumns(scale_columns, head.width())),
        biases(TakeColumns(bias_columns, head.width())),
        inputs(network.parameters[static_cast<std::size_t>(output.parameters[0])]
                   .shape.element_count() /
               head.width()) {}

  bool Changes(std::size_t row) const { return scales[row] != 1.0 || biases[row] != 0.0; }
  bool Changes() const {
    std::size_t row = 0;
    while (row < scales.size() && !Changes(row)) ++row;
    return row < scales.size();
  }
  float Weight(std::size_t row, std::int64_t i) const {
    return static_cast<float>(weights[static_cast<std::int64_t>(row) * inputs + i] * scales[row]);
  }
  float Bias(std::size_t row) const {
    return static_cast<float>(bias[row] * scales[row] + biases[row]);
  }

  const GraphLayer& output;
  float* weights;  // [outputs, inputs]
  float* bias;
  std::span<const double> scales;
  std::span<const double> biases;
  std::int64_t inputs;
};

void CheckScaled(const GraphHead& head, const ScaledRows& rows) {
  for (std::size_t row = 0; row < rows.scales.size(); ++row) {
    bool is_finite = std::isfinite(rows.Bias(row));
    for (std::int64_t i = 0; i < rows.inputs; ++i) {
      is_finite = is_finite && std::isfinite(rows.Weight(row, i));
    }
    if (!is_finite) {
      Fail(ErrorCode::kNonFinite, "scale logits, head '", head.name, "', output ", row,
           ": expected finite parameters, got others with the scale ", rows.scales[row],
           " and the bias ", rows.biases[row]);
    }
  }
}

void Scale(const ScaledRows& rows) {
  for (std::size_t row = 0; row < rows.scales.size(); ++row) {
    if (!rows.Changes(row)) continue;
    for (std::int64_t i = 0; i < rows.inputs; ++i) {
      rows.weights[static_cast<std::int64_t>(row) * rows.inputs + i] = rows.Weight(row, i);
    }
    rows.bias[row] = rows.Bias(row);
  }
}

// The threshold that a scaled probability reaches when its logit reached the old one; 0 and 1 stay.
double Reexpressed(double threshold, double scale, double bias) {
  const double logit = std::log(threshold) - std::log1p(-threshold);
  return 1.0 / (1.0 + std::exp(-(scale * logit + bias)));
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
  Freeze(std::span(&pattern, 1), adapt_statistics);
}

void Network::Freeze(std::span<const LayerPattern> patterns, bool adapt_statistics) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "freeze");
  std::vector<int> layers;
  for (const LayerPattern& pattern : patterns) {
    const std::vector<int> matched = MatchLayers(network, pattern);
    if (adapt_statistics) {
      CheckHasBatchNorm(network, pattern, matched);
    }
    layers.insert(layers.end(), matched.begin(), matched.end());
  }
  for (const int index : layers) {
    GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
    layer.frozen = true;
    layer.adapt_statistics = adapt_statistics && IsBatchNorm(layer);
  }
  ++network.structure_version;
}

void Network::Unfreeze(const LayerPattern& pattern) { Unfreeze(std::span(&pattern, 1)); }

void Network::Unfreeze(std::span<const LayerPattern> patterns) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "unfreeze");
  std::vector<int> layers;
  for (const LayerPattern& pattern : patterns) {
    const std::vector<int> matched = MatchLayers(network, pattern);
    layers.insert(layers.end(), matched.begin(), matched.end());
  }
  for (const int index : layers) {
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
       head, "'", DidYouMean(head, names));
}

void Network::SetThresholds(std::span<const double> columns) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "set thresholds");
  CheckColumns(network, "thresholds", columns);
  std::vector<TaskSpec> tasks;
  for (const GraphHead& head : network.heads) {
    tasks.push_back(head.task);
    const auto thresholds = TakeColumns(columns, head.width());
    if (!std::ranges::all_of(thresholds, [](double value) { return std::isnan(value); })) {
      tasks.back().thresholds.assign(thresholds.begin(), thresholds.end());
      CheckTask(head.name, tasks.back());
    }
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    network.heads[i].task = std::move(tasks[i]);
  }
}

void Network::ScaleLogits(std::span<const double> scales, std::span<const double> biases) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "scale logits");
  CheckFiniteColumns(network, "scales", scales);
  CheckFiniteColumns(network, "biases", biases);
  std::vector<ScaledRows> heads;
  for (const GraphHead& head : network.heads) {
    heads.emplace_back(network, head, scales, biases);
    CheckScaled(head, heads.back());
  }
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const ScaledRows& rows = heads[i];
    if (!rows.Changes()) continue;
    Scale(rows);
    std::vector<double>& thresholds = network.heads[i].task.thresholds;
    for (std::size_t label = 0; label < thresholds.size(); ++label) {
      if (rows.scales[label] > 0.0 && rows.Changes(label)) {
        thresholds[label] = Reexpressed(thresholds[label], rows.scales[label], rows.biases[label]);
      }
    }
    if (rows.output.frozen) ++network.structure_version;  // as in WriteParameter
  }
  ++network.values_version;
}

std::map<std::string, std::string> Network::Metadata() const {
  NetworkState& network = Live(state_);
  const ReadScope scope(network.access, "metadata");
  return network.metadata;
}

void Network::SetMetadata(const std::string& key, const std::string& value) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "set metadata");
  std::map<std::string, std::string> metadata = network.metadata;
  metadata.insert_or_assign(key, value);
  CheckMetadata(metadata);
  network.metadata = std::move(metadata);
}

void Network::RemoveMetadata(const std::string& key) {
  NetworkState& network = Live(state_);
  const WriteScope scope(network.access, "remove metadata");
  network.metadata.erase(key);
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
  const auto bad = std::ranges::find_if_not(values, [](float x) { return std::isfinite(x); });
  if (bad != values.end()) {
    Fail(ErrorCode::kNonFinite, "parameter '", path, "': expected finite values, got ", *bad,
         " at place ", bad - values.begin());
  }
  std::copy(values.begin(), values.end(), network.parameter_values(index));
  ++network.values_version;
  if (network.layers[static_cast<std::size_t>(parameter.layer)].frozen) {
    ++network.structure_version;  // a trainer's frozen prefix is a copy of what was here
  }
}

std::int64_t Network::NativeBytes() const { return Live(state_).parameter_floats.bytes(); }

}  // namespace espalier
