// SPDX-License-Identifier: Apache-2.0
#include "training/norm_fusion.h"

namespace espalier {
namespace {

class Chain {
 public:
  Chain(const NetworkState& network, const std::vector<PlanNode>& nodes,
        const std::vector<NodeReaders>& readers, int norm)
      : network_(network), nodes_(nodes), readers_(readers), norm_(norm) {}

  NormFollowers Find() const {
    NormFollowers followers;
    int last = norm_;
    if (const int reader = NextAfter(last); reader >= 0 && TraitsOf(layer(reader)).sums) {
      const std::vector<int>& producers = node(reader).producers;
      const int term = producers[0] == last ? 1 : 0;
      const int value = layer(reader).inputs[Index(term)];
      if (producers.size() != 2 || producers[Index(term)] >= norm_ ||
          !network_.LiesAsRead(value, layer(reader))) {
        return followers;
      }
      followers.sum = reader;
      followers.residual_term = term;
      last = reader;
    }
    if (const int reader = NextAfter(last); reader >= 0) {
      const std::optional<LayerActivation> activation = TraitsOf(layer(reader)).activation;
      if (activation && HasGradientByResult(activation->activation)) followers.activation = reader;
    }
    return followers;
  }

 private:
  static std::size_t Index(int i) { return static_cast<std::size_t>(i); }
  const PlanNode& node(int index) const { return nodes_[Index(index)]; }
  const GraphLayer& layer(int index) const { return network_.layers[Index(node(index).layer)]; }

  // The only node that reads what `index` makes, as it lies; else -1.
  int NextAfter(int index) const {
    const NodeReaders& readers = readers_[Index(index)];
    if (readers.count != 1 || readers.last < 0) return -1;
    const int reader = readers.last;
    const bool passes_gradient = node(norm_).has_backward || !node(reader).has_backward;
    return passes_gradient && network_.LiesAsRead(layer(index).output, layer(reader)) ? reader : -1;
  }

  const NetworkState& network_;
  const std::vector<PlanNode>& nodes_;
  const std::vector<NodeReaders>& readers_;
  const int norm_;
};

}  // namespace

NormFollowers FindNormFollowers(const NetworkState& network, const std::vector<PlanNode>& nodes,
                                const std::vector<NodeReaders>& readers, int norm) {
  return Chain(network, nodes, readers, norm).Find();
}

}  // namespace espalier
