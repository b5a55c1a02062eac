// SPDX-License-Identifier: Apache-2.0
#include "network/parameter_layout.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/checked.h"
#include "core/random.h"
#include "core/text.h"
#include "layers/initializer.h"

namespace espalier {
namespace {

constexpr std::int64_t kAlignmentFloats = 16;  // one cache line, one AVX-512 vector

class Places {
 public:
  std::int64_t Take(std::int64_t floats) {
    const std::int64_t place = end_;
    end_ = CheckedAdd(end_, floats);
    if (end_ > kMaxParameterFloats) {
      Fail(ErrorCode::kInvalidArgument, "network: expected at most ", kMaxParameterFloats,
           " parameters, got more");
    }
    return place;
  }

  void Align() { Take((kAlignmentFloats - end_ % kAlignmentFloats) % kAlignmentFloats); }

 private:
  std::int64_t end_ = 0;
};

const GraphLayer& OutputLayer(const NetworkState& network, int head) {
  const int output = network.heads[static_cast<std::size_t>(head)].output;
  return network.layers[static_cast<std::size_t>(output)];
}

// The heads of each group, by the layer that feeds them, in order of heads.
std::map<int, std::vector<int>> HeadsByInput(const NetworkState& network) {
  std::map<int, std::vector<int>> groups;
  for (std::size_t head = 0; head < network.heads.size(); ++head) {
    const int index = static_cast<int>(head);
    groups[OutputLayer(network, index).inputs[0]].push_back(index);
  }
  return groups;
}

}  // namespace

void LayOutParameters(NetworkState& network) {
  network.parameters.clear();
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    GraphLayer& layer = network.layers[i];
    layer.parameters.clear();
    for (ParameterSpec& spec : layer.layer->Parameters(layer.input_shapes)) {
      layer.parameters.push_back(static_cast<int>(network.parameters.size()));
      network.parameters.push_back({.path = layer.name + "." + spec.name,
                                    .shape = spec.shape,
                                    .role = spec.role,
                                    .layer = static_cast<int>(i)});
    }
  }
  Places places;
  const auto take = [&](int parameter) {
    GraphParameter& target = network.parameters[static_cast<std::size_t>(parameter)];
    target.offset = places.Take(target.shape.element_count());
  };
  std::vector<char> is_output(network.layers.size(), 0);
  for (const GraphHead& head : network.heads) {
    is_output[static_cast<std::size_t>(head.output)] = 1;
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (is_output[i] == 0) {
      for (const int parameter : network.layers[i].parameters) {
        take(parameter);
        places.Align();
      }
    }
  }
  for (const auto& [input, heads] : HeadsByInput(network)) {
    for (std::size_t kind = 0; kind < 2; ++kind) {  // all weights, then all biases
      for (const int head : heads) {
        take(OutputLayer(network, head).parameters[kind]);
      }
      places.Align();
    }
  }
}

std::int64_t ParameterFloats(const NetworkState& network) {
  std::int64_t end = 0;
  for (const GraphParameter& parameter : network.parameters) {
    end = std::max(end, parameter.offset + parameter.shape.element_count());
  }
  return end;
}

void InitializeParameters(NetworkState& network, std::uint64_t seed, std::span<const int> layers) {
  for (const int index : layers) {
    const GraphLayer& layer = network.layers[static_cast<std::size_t>(index)];
    const std::vector<ParameterSpec> specs = layer.layer->Parameters(layer.input_shapes);
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const int parameter = layer.parameters[i];
      const std::string& path = network.parameters[static_cast<std::size_t>(parameter)].path;
      const RandomKey key{.seed = seed,
                          .purpose = RandomPurpose::kInitializer,
                          .index = HashName(path.data(), path.data() + path.size())};
      Initialize(specs[i].initializer, key,
                 {network.parameter_values(parameter),
                  static_cast<std::size_t>(specs[i].shape.element_count())});
    }
  }
}

std::vector<HeadGroup> HeadGroups(const NetworkState& network) {
  std::vector<HeadGroup> groups;
  for (auto& [input, heads] : HeadsByInput(network)) {
    const GraphLayer& first = OutputLayer(network, heads.front());
    HeadGroup group;
    group.input = input;
    for (const int head : heads) {
      group.width += network.heads[static_cast<std::size_t>(head)].width();
    }
    group.first_weight = network.parameters[static_cast<std::size_t>(first.parameters[0])].offset;
    group.first_bias = network.parameters[static_cast<std::size_t>(first.parameters[1])].offset;
    group.heads = std::move(heads);
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace espalier
