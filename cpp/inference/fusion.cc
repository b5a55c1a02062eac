// SPDX-License-Identifier: Apache-2.0
#include "inference/fusion.h"

#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "core/fast_paths.h"
#include "inference/strip_operation.h"
#include "layers/layout.h"

namespace espalier {
namespace {

// A quarter of an L2 of 1 MiB. A result beyond half of one leaves it before it is read; from here
// on two workers gain by keeping to rows of their own, which they need not fetch from each other.
constexpr std::int64_t kLargeFloats = 1 << 16;

// A batch norm can be folded into such weights.
bool HasFoldableWeights(const LayerTraits& traits) {
  return traits.product == LayerProduct::kExample || traits.convolution.has_value();
}

bool TakesActivation(const LayerTraits& traits) {
  return HasFoldableWeights(traits) || traits.product == LayerProduct::kPosition ||
         traits.normalizes_channels || traits.sums;
}

bool CanAdd(const LayerTraits& traits) {
  return traits.product != LayerProduct::kNone ||
         (traits.convolution && Conv2dCanAdd(*traits.convolution));
}

class Fusion {
 public:
  Fusion(const NetworkState& network, const std::vector<char>& is_needed,
         const std::vector<char>& is_given, const std::vector<char>& is_requested)
      : network_(network),
        is_needed_(is_needed),
        is_given_(is_given),
        is_requested_(is_requested),
        readers_(network.values.size()),
        is_result_needed_(network.values.size(), 0),
        is_fused_(network.layers.size(), 0),
        is_result_made_(network.values.size(), 0) {}

  FusedGraph Run() {
    FindDenseInputs();
    FindSources();
    for (int i = 0; i < static_cast<int>(network_.layers.size()); ++i) {
      const int output = graph_layer(i).output;
      const bool passes_on = graph_.source[Index(output)] != output;
      if (IsComputed(i) && !passes_on && is_fused_[Index(i)] == 0) {
        graph_.groups.push_back(GroupFrom(i));
        is_result_made_[Index(ResultOf(graph_.groups.back()))] = 1;
      }
    }
    GroupHeads();
    GroupStrips();
    return std::move(graph_);
  }

 private:
  static std::size_t Index(int i) { return static_cast<std::size_t>(i); }
  const GraphLayer& graph_layer(int index) const { return network_.layers[Index(index)]; }
  int ResultOf(const FusedGroup& group) const { return graph_layer(group.last()).output; }

  bool IsComputed(int layer) const {
    const std::size_t output = Index(graph_layer(layer).output);
    return is_needed_[output] != 0 && is_given_[output] == 0;
  }

  LayerTraits Traits(int index) const { return TraitsOf(graph_layer(index)); }

  // Values that only dense layers read, dropout and flatten between aside.
  void FindDenseInputs() {
    feeds_dense_alone_.assign(network_.values.size(), 1);
    for (int i = static_cast<int>(network_.layers.size()); i-- > 0;) {
      const GraphLayer& reader = graph_layer(i);
      const LayerTraits traits = TraitsOf(reader);
      if (!IsComputed(i) || traits.product == LayerProduct::kExample) continue;
      if ((traits.passes_on || traits.flattens) && feeds_dense_alone_[Index(reader.output)] != 0)
        continue;
      for (const int input : reader.inputs) feeds_dense_alone_[Index(input)] = 0;
    }
  }

  // A dense layer can take a value as it lies; anything else that reads a flattened image
  // needs it flattened.
  bool PassesOn(const GraphLayer& current) const {
    const LayerTraits traits = TraitsOf(current);
    if (traits.passes_on) return true;
    return traits.flattens && (LiesAsOutside(network_.value(Source(current.inputs[0]))) ||
                               feeds_dense_alone_[Index(current.output)] != 0);
  }

  void FindSources() {
    graph_.source.resize(network_.values.size());
    std::iota(graph_.source.begin(), graph_.source.end(), 0);
    for (int i = 0; i < static_cast<int>(network_.layers.size()); ++i) {
      if (!IsComputed(i)) continue;
      const GraphLayer& current = graph_layer(i);
      if (PassesOn(current)) {
        graph_.source[Index(current.output)] = Source(current.inputs[0]);
      } else {
        for (const int input : current.inputs) readers_[Index(Source(input))].push_back(i);
      }
    }
    for (std::size_t v = 0; v < network_.values.size(); ++v) {
      if (is_requested_[v] != 0) is_result_needed_[Index(graph_.source[v])] = 1;
    }
  }

  int Source(int value) const { return graph_.source[Index(value)]; }

  // The one layer that reads what layer `index` makes, as it lies, if nothing else needs it; else
  // -1.
  int SoleReader(int index) const {
    const int value = graph_layer(index).output;
    const std::size_t v = Index(value);
    if (readers_[v].size() != 1 || is_result_needed_[v] != 0) return -1;
    const int reader = readers_[v][0];
    return network_.LiesAsRead(value, graph_layer(reader)) ? reader : -1;
  }

  FusedGroup GroupFrom(int first) {
    FusedGroup group;
    group.layers.assign(1, first);
    const LayerTraits traits = Traits(first);
    if (HasFoldableWeights(traits)) {
      const int reader = SoleReader(first);
      // A flatten between the two would change what a channel is.
      if (reader >= 0 && Traits(reader).normalizes_channels &&
          graph_layer(reader).input_shapes[0] == graph_layer(first).output_shape) {
        group.norm = reader;
        Append(group, reader);
      }
    }
    FindResidual(group);
    if (traits.activation) {
      group.activation = {traits.activation->activation, traits.activation->slope};
    } else if (TakesActivation(traits)) {
      const int reader = SoleReader(group.last());
      const auto follower = reader < 0 ? std::nullopt : Traits(reader).activation;
      if (follower) {
        group.activation = {follower->activation, follower->slope};
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
    if (reader < 0 || !Traits(reader).sums || !CanAdd(Traits(group.layers[0]))) return;
    const std::vector<int>& terms = graph_layer(reader).inputs;
    if (terms.size() != 2) return;
    const int other = Source(terms[Source(terms[0]) == ResultOf(group) ? 1 : 0]);
    if (!network_.is_input(other) && is_given_[Index(other)] == 0 &&
        is_result_made_[Index(other)] == 0) {
      return;
    }
    group.residual = other;
    Append(group, reader);
  }

  // True if the group is a convolution that can end in the pooling layer `reader`.
  bool CanPool(const FusedGroup& group, int reader) const {
    const LayerTraits first = Traits(group.layers[0]);
    const LayerTraits pool = reader < 0 ? LayerTraits() : Traits(reader);
    if (!first.convolution || !pool.max_pooling || group.residual) return false;
    const PoolingGeometry& g = *pool.max_pooling;
    const bool takes_pairs = g.window_height == 2 && g.window_width == 2 && g.stride_height == 2 &&
                             g.stride_width == 2 && g.pad_top == 0 && g.pad_left == 0 &&
                             g.output_height == g.height / 2 && g.output_width == g.width / 2;
    return takes_pairs && Conv2dCanPool(*first.convolution, group.activation.activation);
  }

  void Append(FusedGroup& group, int index) {
    group.layers.push_back(index);
    is_fused_[Index(index)] = 1;
  }

  void GroupHeads() {
    std::map<int, std::vector<int>> by_input;
    std::vector<char> is_head_output(network_.layers.size(), 0);
    for (const GraphHead& head : network_.heads) {
      is_head_output[Index(head.output)] = 1;
    }
    for (std::size_t g = 0; g < graph_.groups.size(); ++g) {
      const FusedGroup& group = graph_.groups[g];
      const GraphLayer& first = graph_layer(group.layers[0]);
      if (is_head_output[Index(group.layers[0])] != 0 && group.layers.size() == 1 &&
          readers_[Index(first.output)].empty()) {
        by_input[Source(first.inputs[0])].push_back(static_cast<int>(g));
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
    const LayerTraits traits = Traits(group.layers[0]);
    return traits.convolution && !group.is_pooled && Conv2dHasRows(*traits.convolution);
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
      if (strip.size() < 2 || !Takes(FastPath::kStrips)) continue;
      for (const int group : strip) is_taken[static_cast<std::size_t>(group)] = 1;
      graph_.strips.push_back(std::move(strip));
    }
  }

  bool IsLarge(int index) const {
    return graph_layer(index).output_shape.element_count() >= kLargeFloats;
  }

  const NetworkState& network_;
  const std::vector<char>& is_needed_;
  const std::vector<char>& is_given_;
  const std::vector<char>& is_requested_;
  std::vector<char> feeds_dense_alone_;    // by value
  std::vector<std::vector<int>> readers_;  // by source: the layers that read it
  std::vector<char> is_result_needed_;     // by source: it or what it is passed on to is requested
  std::vector<char> is_fused_;             // by layer
  std::vector<char> is_result_made_;       // by value: a group that comes before ends in it
  FusedGraph graph_;
};

}  // namespace

FusedGraph FuseLayers(const NetworkState& network, const std::vector<char>& is_needed,
                      const std::vector<char>& is_given, const std::vector<char>& is_requested) {
  return Fusion(network, is_needed, is_given, is_requested).Run();
}

}  // namespace espalier
