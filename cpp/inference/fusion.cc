// SPDX-License-Identifier: Apache-2.0
#include "inference/fusion.h"

#include <map>
#include <span>
#include <utility>

#include "inference/strip_operation.h"
#include "layers/activations.h"
#include "layers/add.h"
#include "layers/batch_norm.h"
#include "layers/convolution.h"
#include "layers/dense.h"
#include "layers/flatten.h"
#include "layers/layout.h"
#include "layers/max_pool2d.h"

namespace espalier {
namespace {

// A quarter of an L2 of 1 MiB. A result beyond half of one leaves it before it is read; from here
// on two workers gain by keeping to rows of their own, which they need not fetch from each other.
constexpr std::int64_t kLargeFloats = 1 << 16;

bool IsDropout(const Layer& layer) { return layer.kind() == "dropout"; }
bool IsFlatten(const Layer& layer) { return layer.kind() == Flatten::kKind; }
bool IsDense(const Layer& layer) { return layer.kind() == Dense::kKind; }

bool HasFoldableWeights(const Layer& layer) {
  return dynamic_cast<const Dense*>(&layer) != nullptr ||
         dynamic_cast<const Convolution*>(&layer) != nullptr;
}

bool TakesActivation(const Layer& layer) {
  return HasFoldableWeights(layer) || dynamic_cast<const BatchNorm*>(&layer) != nullptr ||
         dynamic_cast<const Add*>(&layer) != nullptr;
}

class Fusion {
 public:
  Fusion(const NetworkState& network, const std::vector<char>& is_needed,
         const std::vector<char>& is_given, const std::vector<char>& is_requested)
      : network_(network),
        is_needed_(is_needed),
        is_given_(is_given),
        is_requested_(is_requested),
        readers_(network.layers.size()),
        is_result_needed_(network.layers.size(), 0),
        is_fused_(network.layers.size(), 0),
        is_result_made_(network.layers.size(), 0) {}

  FusedGraph Run() {
    FindDenseInputs();
    FindSources();
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      if (IsComputed(i) && is_fused_[i] == 0) {
        graph_.groups.push_back(GroupFrom(static_cast<int>(i)));
        is_result_made_[static_cast<std::size_t>(graph_.groups.back().last())] = 1;
      }
    }
    GroupHeads();
    GroupStrips();
    return std::move(graph_);
  }

 private:
  const Layer& layer(int index) const {
    return *network_.layers[static_cast<std::size_t>(index)].layer;
  }

  bool IsComputed(std::size_t i) const {
    return is_needed_[i] != 0 && is_given_[i] == 0 && graph_.source[i] == static_cast<int>(i);
  }

  // Layers whose results only dense layers read, dropout and flatten between aside.
  void FindDenseInputs() {
    feeds_dense_alone_.assign(network_.layers.size(), 1);
    for (std::size_t i = network_.layers.size(); i-- > 0;) {
      const GraphLayer& reader = network_.layers[i];
      if (is_needed_[i] == 0 || is_given_[i] != 0 || IsDense(*reader.layer)) continue;
      const bool passes_on = IsDropout(*reader.layer) || IsFlatten(*reader.layer);
      if (passes_on && feeds_dense_alone_[i] != 0) continue;
      for (const int input : reader.inputs) {
        if (input != kNetworkInput) feeds_dense_alone_[static_cast<std::size_t>(input)] = 0;
      }
    }
  }

  // A dense layer can take an image as it lies; anything else that reads a flattened image
  // needs it flattened.
  bool PassesOn(std::size_t i) const {
    const GraphLayer& current = network_.layers[i];
    if (IsDropout(*current.layer)) return true;
    return IsFlatten(*current.layer) &&
           (LiesAsOutside(current.input_shapes[0]) || feeds_dense_alone_[i] != 0);
  }

  void FindSources() {
    graph_.source.resize(network_.layers.size());
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      graph_.source[i] = static_cast<int>(i);
      if (is_needed_[i] == 0 || is_given_[i] != 0) {
        continue;
      }
      const GraphLayer& current = network_.layers[i];
      if (PassesOn(i)) {
        graph_.source[i] = Source(current.inputs[0]);
      } else {
        for (const int input : current.inputs) {
          if (const int source = Source(input); source != kNetworkInput) {
            readers_[static_cast<std::size_t>(source)].push_back(static_cast<int>(i));
          }
        }
      }
    }
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      if (is_requested_[i] != 0 && graph_.source[i] != kNetworkInput) {
        is_result_needed_[static_cast<std::size_t>(graph_.source[i])] = 1;
      }
    }
  }

  int Source(int input) const {
    return input == kNetworkInput ? kNetworkInput : graph_.source[static_cast<std::size_t>(input)];
  }

  // The one layer that reads `index`, if nothing else needs its result; else -1.
  int SoleReader(int index) const {
    const std::size_t i = static_cast<std::size_t>(index);
    return readers_[i].size() == 1 && is_result_needed_[i] == 0 ? readers_[i][0] : -1;
  }

  FusedGroup GroupFrom(int first) {
    FusedGroup group;
    group.layers = {first};
    if (HasFoldableWeights(layer(first))) {
      const int reader = SoleReader(first);
      // A flatten between the two would change what a channel is.
      if (reader >= 0 && layer(reader).kind() == BatchNorm::kKind &&
          network_.layers[static_cast<std::size_t>(reader)].input_shapes[0] ==
              network_.layers[static_cast<std::size_t>(first)].output_shape) {
        group.norm = reader;
        Append(group, reader);
      }
    }
    FindResidual(group);
    if (const auto* activation = dynamic_cast<const ActivationLayer*>(&layer(first))) {
      group.activation = {activation->activation(), activation->slope()};
    } else if (TakesActivation(layer(first))) {
      const int reader = SoleReader(group.last());
      const auto* follower =
          reader < 0 ? nullptr : dynamic_cast<const ActivationLayer*>(&layer(reader));
      if (follower != nullptr) {
        group.activation = {follower->activation(), follower->slope()};
        Append(group, reader);
      }
    }
    if (CanPool(group, SoleReader(group.last()))) {
      group.is_pooled = true;
      Append(group, SoleReader(group.last()));
    }
    return group;
  }

  // A sum of two results is formed where the later of them is.
  void FindResidual(FusedGroup& group) {
    const int reader = SoleReader(group.last());
    if (reader < 0 || layer(reader).kind() != Add::kKind || !CanAdd(group.layers[0])) return;
    const std::vector<int>& terms = network_.layers[static_cast<std::size_t>(reader)].inputs;
    if (terms.size() != 2) return;
    const int other = Source(terms[Source(terms[0]) == group.last() ? 1 : 0]);
    if (other != kNetworkInput && is_given_[static_cast<std::size_t>(other)] == 0 &&
        is_result_made_[static_cast<std::size_t>(other)] == 0) {
      return;
    }
    group.residual = other;
    Append(group, reader);
  }

  bool CanAdd(int index) const {
    const auto* convolution = dynamic_cast<const Convolution*>(&layer(index));
    return IsDense(layer(index)) ||
           (convolution != nullptr && Conv2dCanAdd(convolution->Geometry(InputShapes(index))));
  }

  std::span<const Shape> InputShapes(int index) const {
    return network_.layers[static_cast<std::size_t>(index)].input_shapes;
  }

  // True if the group is a convolution that can end in the pooling layer `reader`.
  bool CanPool(const FusedGroup& group, int reader) const {
    const auto* convolution = dynamic_cast<const Convolution*>(&layer(group.layers[0]));
    const auto* pool = reader < 0 ? nullptr : dynamic_cast<const MaxPool2d*>(&layer(reader));
    if (convolution == nullptr || pool == nullptr || group.residual) return false;
    const PoolingGeometry g = pool->Geometry(InputShapes(reader));
    const bool takes_pairs = g.window_height == 2 && g.window_width == 2 && g.stride_height == 2 &&
                             g.stride_width == 2 && g.pad_top == 0 && g.pad_left == 0 &&
                             g.output_height == g.height / 2 && g.output_width == g.width / 2;
    return takes_pairs && Conv2dCanPool(convolution->Geometry(InputShapes(group.layers[0])),
                                        group.activation.activation);
  }

  void Append(FusedGroup& group, int index) {
    group.layers.push_back(index);
    is_fused_[static_cast<std::size_t>(index)] = 1;
  }

  void GroupHeads() {
    std::map<int, std::vector<int>> by_input;
    std::vector<char> is_head_output(network_.layers.size(), 0);
    for (const GraphHead& head : network_.heads) {
      is_head_output[static_cast<std::size_t>(head.output)] = 1;
    }
    for (std::size_t g = 0; g < graph_.groups.size(); ++g) {
      const FusedGroup& group = graph_.groups[g];
      const std::size_t first = static_cast<std::size_t>(group.layers[0]);
      if (is_head_output[first] != 0 && group.layers.size() == 1 && readers_[first].empty()) {
        by_input[Source(network_.layers[first].inputs[0])].push_back(static_cast<int>(g));
      }
    }
    for (auto& [input, groups] : by_input) {
      if (groups.size() > 1) {
        graph_.head_products.push_back(std::move(groups));
      }
    }
  }

  // True if the group can be any stage of a strip but the last, and adds nothing.
  bool HasRows(const FusedGroup& group) const {
    const int first = group.layers[0];
    const auto* convolution = dynamic_cast<const Convolution*>(&layer(first));
    return convolution != nullptr && !group.is_pooled &&
           Conv2dHasRows(convolution->Geometry(InputShapes(first)));
  }

  void GroupStrips() {
    std::map<int, int> group_of_first;
    for (std::size_t g = 0; g < graph_.groups.size(); ++g) {
      group_of_first[graph_.groups[g].layers[0]] = static_cast<int>(g);
    }
    std::vector<char> is_taken(graph_.groups.size(), 0);
    for (std::size_t g = 0; g < graph_.groups.size(); ++g) {
      if (is_taken[g] != 0) continue;
      std::vector<int> strip = {static_cast<int>(g)};
      while (strip.size() < StripOperation::kMostStages) {
        const FusedGroup& group = graph_.groups[static_cast<std::size_t>(strip.back())];
        const int reader = SoleReader(group.last());
        if (!HasRows(group) || group.residual || reader < 0 || !IsLarge(group.last())) break;
        const auto next = group_of_first.find(reader);
        if (next == group_of_first.end() ||
            !HasRows(graph_.groups[static_cast<std::size_t>(next->second)])) {
          break;
        }
        strip.push_back(next->second);
      }
      if (strip.size() < 2) continue;
      for (const int group : strip) is_taken[static_cast<std::size_t>(group)] = 1;
      graph_.strips.push_back(std::move(strip));
    }
  }

  bool IsLarge(int index) const {
    return network_.layers[static_cast<std::size_t>(index)].output_shape.element_count() >=
           kLargeFloats;
  }

  const NetworkState& network_;
  const std::vector<char>& is_needed_;
  const std::vector<char>& is_given_;
  const std::vector<char>& is_requested_;
  std::vector<char> feeds_dense_alone_;    // by layer
  std::vector<std::vector<int>> readers_;  // by source: the layers that read it
  std::vector<char> is_result_needed_;     // by source: it or what passes it on is requested
  std::vector<char> is_fused_;
  std::vector<char> is_result_made_;  // by layer: a group that comes before ends in it
  FusedGraph graph_;
};

}  // namespace

FusedGraph FuseLayers(const NetworkState& network, const std::vector<char>& is_needed,
                      const std::vector<char>& is_given, const std::vector<char>& is_requested) {
  return Fusion(network, is_needed, is_given, is_requested).Run();
}

}  // namespace espalier
