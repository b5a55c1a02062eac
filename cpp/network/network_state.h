// SPDX-License-Identifier: Apache-2.0
#pragma once

// The inside of a Network: a checked graph in topological order, and one array with all
// parameter values.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/memory.h"
#include "espalier/limits.h"
#include "espalier/network.h"
#include "layers/layer.h"
#include "network/access.h"
#include "network/lengths.h"

namespace espalier {

inline constexpr int kNoLayer = -1;

/// What flows between layers: an input of the network (normalized), or what a layer makes. Indices
/// of values: those of the inputs first, then one a layer, in order.
struct GraphValue {
  Shape shape{1};
  ElementType type = ElementType::kFloat32;
  Layout layout = Layout::kChannelsLast;  // inside plans
  int layer = kNoLayer;                   // that makes it; kNoLayer: an input of the network
  Length length;
};

inline bool LiesAsOutside(const GraphValue& value) {
  return LiesAsOutside(value.shape, value.layout);
}

struct GraphInput {
  std::string name;
  std::optional<Normalization> normalization;
};

struct GraphLayer {
  std::string name;
  std::shared_ptr<const Layer> layer;
  std::vector<int> inputs;  // values
  int output = 0;           // value
  std::vector<Shape> input_shapes;
  Shape output_shape{1};
  std::vector<int> parameters;  // indices into NetworkState::parameters, in the layer's order
  int head = -1;                // index into heads, or -1: backbone
  bool is_constant = false;     // computed from no input of the network
  bool frozen = false;
  bool adapt_statistics = false;
  double learning_rate_scale = 1.0;
};

inline LayerTraits TraitsOf(const GraphLayer& layer) {
  return layer.layer->Traits(layer.input_shapes);
}

struct GraphHead {
  std::string name;
  TaskSpec task;
  std::string initializer;  // as HeadSpec has it
  int from = 0;             // the value it stands on
  int output = 0;           // its output layer, a dense
  std::int64_t width() const { return static_cast<std::int64_t>(task.labels.size()); }
};

struct GraphParameter {
  std::string path;
  Shape shape{1};
  ParameterRole role = ParameterRole::kWeight;
  int layer = 0;
  std::int64_t offset = 0;  // floats from NetworkState::parameter_floats
};

/// Heads whose output layers have the same input lie side by side: their weights (rows
/// of [out, in]) and their biases are adjacent in `parameter_floats`, in the order of heads, so
/// that one matmul serves them all. HeadGroups() lists them.
struct NetworkState {
  std::vector<GraphInput> inputs;
  std::vector<GraphValue> values;
  std::vector<GraphLayer> layers;  // each after its inputs
  std::vector<GraphHead> heads;
  std::vector<GraphParameter> parameters;
  AlignedArray<float> parameter_floats;
  std::map<std::string, std::string> metadata;
  std::optional<NetworkLimits> limits;  // of a network from a file, and of what it becomes
  std::atomic<std::uint64_t> structure_version{0};  // moved by freeze, unfreeze, rates
  std::atomic<std::uint64_t> values_version{0};     // moved by WriteParameter
  Access access;

  float* parameter_values(int parameter) {
    return parameter_floats.data() + parameters[static_cast<std::size_t>(parameter)].offset;
  }
  const float* parameter_values(int parameter) const {
    return parameter_floats.data() + parameters[static_cast<std::size_t>(parameter)].offset;
  }
  const GraphValue& value(int index) const { return values[static_cast<std::size_t>(index)]; }
  bool is_input(int value) const { return value < static_cast<int>(inputs.size()); }

  /// The value that a head's output layer makes.
  int logits(const GraphHead& head) const {
    return layers[static_cast<std::size_t>(head.output)].output;
  }

  /// True if a value lies as that layer wants to read it.
  bool LiesAsRead(int value_index, const GraphLayer& reader) const {
    const GraphValue& read = value(value_index);
    return LieAlike(read.shape, read.layout, value(reader.output).layout);
  }

  /// A layer's name, or that of an input.
  const std::string& value_name(int value) const;

  std::int64_t total_width() const;  // of all heads
};

/// Heads that one matmul serves: same input, adjacent parameters. Every head is in one group.
struct HeadGroup {
  std::vector<int> heads;
  int input = 0;                  // value that feeds them
  std::int64_t width = 0;         // sum of widths
  std::int64_t first_weight = 0;  // offsets of weights [width, in] and biases [width]
  std::int64_t first_bias = 0;
};
std::vector<HeadGroup> HeadGroups(const NetworkState& network);

/// Layers matching a glob or name, or, if `through`, also all that they are computed from.
/// Throws Error: INVALID_ARGUMENT with near names if nothing matches.
std::vector<int> MatchLayers(const NetworkState& network, const LayerPattern& pattern);

bool IsBatchNorm(const GraphLayer& layer);

/// Throws INVALID_ARGUMENT if no batch norm is among the layers that `pattern` matched.
void CheckHasBatchNorm(const NetworkState& network, const LayerPattern& pattern,
                       std::span<const int> layers);

/// For each layer: 1 if it and everything it is computed from is frozen or has no
/// parameters, and draws no random numbers in training. The largest frozen prefix.
std::vector<char> FrozenPrefix(const NetworkState& network);

}  // namespace espalier
