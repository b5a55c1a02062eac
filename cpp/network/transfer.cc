// SPDX-License-Identifier: Apache-2.0
#include "network/transfer.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/near_names.h"
#include "core/text.h"
#include "network/describe.h"
#include "network/graph.h"
#include "network/parameter_layout.h"

namespace espalier {
namespace {

int FindHead(const NetworkState& network, const std::string& name) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < network.heads.size(); ++i) {
    if (network.heads[i].name == name) {
      return static_cast<int>(i);
    }
    known.push_back(network.heads[i].name);
  }
  Fail(ErrorCode::kInvalidArgument, "head to drop: expected a head's name, got '", name,
       "', which no head has", NamesInstead(name, known));
}

int FindLayer(const NetworkState& network, const std::string& name) {
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].name == name) {
      return static_cast<int>(i);
    }
  }
  Fail(ErrorCode::kInvalidArgument, "layer to drop from: expected a layer's name, got '", name,
       "', which no layer has", NamesInstead(name, LayerNames(network)));
}

// Constants go with the last layer that reads them.
void DropUnreadConstants(const NetworkState& network, std::vector<char>& dropped) {
  std::vector<char> is_kept(network.values.size(), 0);  // by value: a layer that reads it
  std::vector<char> is_read = is_kept;
  for (std::size_t i = network.layers.size(); i-- > 0;) {
    const GraphLayer& layer = network.layers[i];
    const auto output = static_cast<std::size_t>(layer.output);
    if (layer.is_constant && is_read[output] != 0 && is_kept[output] == 0) dropped[i] = 1;
    for (const int input : layer.inputs) {
      is_read[static_cast<std::size_t>(input)] = 1;
      if (dropped[i] == 0) is_kept[static_cast<std::size_t>(input)] = 1;
    }
  }
}

// For each layer: 1 if the transfer drops it. A head goes as a whole: with any of its
// layers, or with the layer that it stands on.
std::vector<char> DroppedLayers(const NetworkState& network, const TransferSpec& spec) {
  std::vector<int> first;
  for (const std::string& name : spec.drop_from) {
    first.push_back(FindLayer(network, name));
  }
  std::vector<char> drops_head(network.heads.size(), 0);
  for (const std::string& name : spec.drop_heads) {
    drops_head[static_cast<std::size_t>(FindHead(network, name))] = 1;
  }
  // A dropped head may carry another one, whose layers all stand later; so one pass does.
  std::vector<char> dropped = Descendants(network, first);
  for (std::size_t h = 0; h < network.heads.size(); ++h) {
    const int head = static_cast<int>(h);
    const int from = network.value(network.heads[h].from).layer;
    bool is_dropped =
        drops_head[h] != 0 || (from != kNoLayer && dropped[static_cast<std::size_t>(from)] != 0);
    std::vector<int> layers;
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      if (network.layers[i].head == head) {
        layers.push_back(static_cast<int>(i));
        is_dropped = is_dropped || dropped[i] != 0;
      }
    }
    if (is_dropped) {
      const std::vector<char> gone = Descendants(network, layers);
      for (std::size_t i = 0; i < gone.size(); ++i) {
        dropped[i] = static_cast<char>(dropped[i] | gone[i]);
      }
    }
  }
  DropUnreadConstants(network, dropped);
  return dropped;
}

NetworkSpec KeptSpec(const NetworkState& network, const std::vector<char>& dropped) {
  NetworkSpec spec = SpecOf(network);
  std::vector<LayerSpec> layers;
  std::size_t backbone = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].head < 0) {
      if (dropped[i] == 0) {
        layers.push_back(std::move(spec.layers[backbone]));
      }
      ++backbone;
    }
  }
  spec.layers = std::move(layers);
  std::vector<HeadSpec> heads;
  for (std::size_t h = 0; h < network.heads.size(); ++h) {
    if (dropped[static_cast<std::size_t>(network.heads[h].output)] == 0) {
      heads.push_back(std::move(spec.heads[h]));
    }
  }
  spec.heads = std::move(heads);
  return spec;
}

void ApplyFreezing(NetworkState& network, const TransferSpec& spec) {
  for (const TransferSpec::Frozen& frozen : spec.freeze) {
    for (const int layer : MatchLayers(network, {frozen.pattern, frozen.through})) {
      network.layers[static_cast<std::size_t>(layer)].frozen = true;
      network.layers[static_cast<std::size_t>(layer)].adapt_statistics = false;
    }
  }
  for (const TransferSpec::Frozen& frozen : spec.freeze) {
    if (!frozen.adapt_statistics) {
      continue;
    }
    const LayerPattern pattern = {frozen.pattern, frozen.through};
    const std::vector<int> layers = MatchLayers(network, pattern);
    CheckHasBatchNorm(network, pattern, layers);
    for (const int index : layers) {
      GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
      layer.adapt_statistics = layer.adapt_statistics || IsBatchNorm(layer);
    }
  }
  for (const LayerPattern& pattern : spec.unfreeze) {
    for (const int layer : MatchLayers(network, pattern)) {
      network.layers[static_cast<std::size_t>(layer)].frozen = false;
    }
  }
  for (GraphLayer& layer : network.layers) {
    layer.adapt_statistics = layer.adapt_statistics && layer.frozen;
  }
}

// A layer's own name goes before patterns; among equals there must be no contradiction, or
// the order of entries would matter.
void ApplyLearningRates(NetworkState& network, const TransferSpec& spec) {
  struct Choices {
    const TransferSpec::Rate* by_name = nullptr;
    const TransferSpec::Rate* by_pattern = nullptr;
  };
  std::vector<Choices> choices(network.layers.size());
  for (const TransferSpec::Rate& rate : spec.learning_rates) {
    CheckLearningRateScale(rate.pattern, rate.scale);
    for (const int index : MatchLayers(network, {.pattern = rate.pattern})) {
      const std::string& name = network.layers[static_cast<std::size_t>(index)].name;
      Choices& of_layer = choices[static_cast<std::size_t>(index)];
      const TransferSpec::Rate*& choice =
          rate.pattern == name ? of_layer.by_name : of_layer.by_pattern;
      if (choice != nullptr && choice->scale != rate.scale) {
        Fail(ErrorCode::kInvalidArgument, "learning rates: expected one scale for layer '", name,
             "', got ", choice->scale, " by '", choice->pattern, "' and ", rate.scale, " by '",
             rate.pattern, "'");
      }
      choice = &rate;
    }
  }
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const TransferSpec::Rate* const choice =
        choices[i].by_name != nullptr ? choices[i].by_name : choices[i].by_pattern;
    if (choice != nullptr) network.layers[i].learning_rate_scale = choice->scale;
  }
}

struct Transferred {
  std::shared_ptr<NetworkState> network;
  std::vector<int> kept;  // by layer of the new network: its place in the old one, or -1
};

void CheckNewHeads(const NetworkState& network, const TransferSpec& spec,
                   const std::vector<char>& dropped) {
  for (const HeadSpec& head : spec.heads) {
    for (const GraphHead& old : network.heads) {
      if (old.name == head.name && dropped[static_cast<std::size_t>(old.output)] == 0) {
        Fail(ErrorCode::kInvalidArgument, "head '", head.name,
             "': expected a name that no kept head has, got one of the network; drop that head "
             "first (dropHead) to replace it");
      }
    }
    for (std::size_t i = 0; i < dropped.size(); ++i) {
      if (dropped[i] != 0 && network.layers[i].head < 0 && network.layers[i].name == head.from) {
        Fail(ErrorCode::kInvalidArgument, "head '", head.name,
             "': expected a layer to stand on, got '", head.from, "', which this transfer drops");
      }
    }
  }
}

InputSpec& FindInput(NetworkSpec& spec, const std::string& name) {
  if (name.empty() && spec.inputs.size() == 1) return spec.inputs[0];
  std::vector<std::string> known;
  for (InputSpec& input : spec.inputs) {
    if (input.name == name) return input;
    known.push_back(input.name);
  }
  Fail(ErrorCode::kInvalidArgument, "input of another shape: expected an input's name, got '", name,
       "', which no input has", NamesInstead(name, known));
}

// Only where inputs have other shapes may parameters have.
void CheckKeptParameters(const NetworkState& old_network, const GraphLayer& old_layer,
                         const NetworkState& network, const GraphLayer& layer) {
  for (std::size_t i = 0; i < layer.parameters.size(); ++i) {
    const GraphParameter& parameter =
        network.parameters[static_cast<std::size_t>(layer.parameters[i])];
    const Shape& old_shape =
        old_network.parameters[static_cast<std::size_t>(old_layer.parameters[i])].shape;
    if (parameter.shape == old_shape) continue;
    Fail(ErrorCode::kShapeMismatch, "input of another shape: expected parameters of the shapes ",
         "that they have, got '", parameter.path, "' of ", parameter.shape.ToString(), " for ",
         old_shape.ToString(), "; drop layer '", layer.name,
         "' (dropFrom), or take a network that ", "pools before it");
  }
}

Transferred Plan(const NetworkState& network, const TransferSpec& spec) {
  Transferred result;
  const std::vector<char> dropped = DroppedLayers(network, spec);
  CheckNewHeads(network, spec, dropped);
  NetworkSpec target = KeptSpec(network, dropped);
  for (const TransferSpec::InputShape& input : spec.input_shapes) {
    FindInput(target, input.name).shape = input.shape;
  }
  const std::size_t kept_heads = target.heads.size();
  target.heads.insert(target.heads.end(), spec.heads.begin(), spec.heads.end());
  result.network = BuildGraph(target);
  std::unordered_map<std::string, int> old_places;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    old_places.emplace(network.layers[i].name, static_cast<int>(i));
  }
  for (const GraphLayer& layer : result.network->layers) {
    const bool is_new = layer.head >= static_cast<int>(kept_heads);
    const int kept = is_new ? -1 : old_places.at(layer.name);
    if (!is_new) {
      CheckKeptParameters(network, network.layers[static_cast<std::size_t>(kept)], *result.network,
                          layer);
    }
    result.kept.push_back(kept);
  }
  ApplyFreezing(*result.network, spec);
  ApplyLearningRates(*result.network, spec);
  // How new output layers start depends on what is frozen by now.
  if (!spec.heads.empty()) result.network = BuildGraph(SpecOf(*result.network));
  result.network->limits = network.limits;
  return result;
}

}  // namespace

std::shared_ptr<NetworkState> TransferredState(const NetworkState& network,
                                               const TransferSpec& spec, std::uint64_t seed) {
  Transferred transferred = Plan(network, spec);
  NetworkState& target = *transferred.network;
  AllocateValues(target);
  std::vector<int> fresh;
  for (std::size_t i = 0; i < target.layers.size(); ++i) {
    if (transferred.kept[i] < 0) {
      fresh.push_back(static_cast<int>(i));
      continue;
    }
    const GraphLayer& old = network.layers[static_cast<std::size_t>(transferred.kept[i])];
    for (std::size_t p = 0; p < old.parameters.size(); ++p) {
      const int from = old.parameters[p];
      std::copy_n(network.parameter_values(from),
                  network.parameters[static_cast<std::size_t>(from)].shape.element_count(),
                  target.parameter_values(target.layers[i].parameters[p]));
    }
  }
  InitializeParameters(target, seed, fresh);
  return transferred.network;
}

std::vector<LayerDescription> TransferRows(const NetworkState& network, const TransferSpec& spec) {
  const Transferred transferred = Plan(network, spec);
  std::vector<LayerDescription> rows = LayerRows(network);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].fate = LayerDescription::Fate::kDropped;
  }
  for (std::size_t i = 0; i < transferred.kept.size(); ++i) {
    LayerDescription row = LayerRow(*transferred.network, transferred.network->layers[i]);
    if (transferred.kept[i] >= 0) {
      row.fate = LayerDescription::Fate::kKept;
      rows[static_cast<std::size_t>(transferred.kept[i])] = std::move(row);
    } else {
      row.fate = LayerDescription::Fate::kNew;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace espalier
