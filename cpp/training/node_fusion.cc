// SPDX-License-Identifier: Apache-2.0
#include "training/node_fusion.h"

#include <optional>
#include <utility>
#include <vector>

#include "core/fast_paths.h"
#include "training/norm_fusion.h"

namespace espalier {
namespace {

std::size_t Index(int i) { return static_cast<std::size_t>(i); }

class Fusion {
 public:
  Fusion(const NetworkState& network, TrainingPlan& plan) : network_(network), plan_(plan) {}

  void FuseNorms() {
    const std::vector<NodeReaders> readers = ReadersOfNodes();
    for (int i = 0; i < node_count(); ++i) {
      PlanNode& norm = plan_.nodes[Index(i)];
      if (!TraitsOf(layer(norm)).normalizes_channels || !Takes(FastPath::kNormFusion)) continue;
      norm.followers = FindNormFollowers(network_, plan_.nodes, readers, i);
      if (const int sum = norm.followers.sum; sum >= 0) {
        plan_.nodes[Index(sum)].done_by = i;
        norm.use.has_residual = true;
      }
      if (const int follower = norm.followers.activation; follower >= 0) {
        plan_.nodes[Index(follower)].done_by = i;
        const LayerActivation activation =
            *TraitsOf(layer(plan_.nodes[Index(follower)])).activation;
        norm.use.activation = norm.fused_activation = activation.activation;
        norm.fused_slope = activation.slope;
      }
    }
  }

  // An activation whose gradient follows from its result can take place where a dense layer or
  // a convolution stores its sums, if nothing else reads those. Max pooling that alone reads an
  // activation overtakes it: the results that it picks are all that the gradient is made of, and
  // the largest of clamped values is the largest of all, clamped.
  void PlaceActivations() {
    const std::vector<NodeReaders> readers = ReadersOfNodes();
    for (int i = 0; i < node_count(); ++i) {
      PlanNode& node = plan_.nodes[Index(i)];
      if (node.done_by >= 0) continue;
      const std::optional<LayerActivation> activation = TraitsOf(layer(node)).activation;
      if (!activation || !HasGradientByResult(activation->activation)) continue;
      const int producer = node.producers[0];
      if (producer < 0) continue;
      PlanNode& before = plan_.nodes[Index(producer)];
      if (readers[Index(producer)].count == 1 && layer(before).layer->FusesActivation()) {
        before.fused_activation = activation->activation;
        before.fused_slope = activation->slope;
        node.is_fused = true;
      }
      const NodeReaders& own = readers[Index(i)];
      if (own.count == 1 && PicksMaxima(own.last) &&
          network_.LiesAsRead(layer(node).output, layer(plan_.nodes[Index(own.last)])) &&
          (node.is_fused || IsClamp(activation->activation))) {
        LetOvertake(i, own.last);
      }
    }
  }

 private:
  const GraphLayer& layer(const PlanNode& node) const { return network_.layers[Index(node.layer)]; }
  int node_count() const { return static_cast<int>(plan_.nodes.size()); }

  std::vector<NodeReaders> ReadersOfNodes() const {
    std::vector<NodeReaders> readers(plan_.nodes.size());
    for (int i = 0; i < node_count(); ++i) {
      for (const int producer : plan_.nodes[Index(i)].producers) {
        if (producer < 0) continue;
        ++readers[Index(producer)].count;
        readers[Index(producer)].last = i;
      }
    }
    for (const PlanGroup& group : plan_.groups) {
      if (group.producer < 0) continue;
      ++readers[Index(group.producer)].count;
      readers[Index(group.producer)].last = -1;
    }
    return readers;
  }

  bool PicksMaxima(int node) const {
    return node >= 0 && TraitsOf(layer(plan_.nodes[Index(node)])).max_pooling.has_value();
  }

  void LetOvertake(int activation, int pool) {
    PlanNode& first = plan_.nodes[Index(activation)];
    PlanNode& second = plan_.nodes[Index(pool)];
    std::swap(first, second);
    std::swap(first.producers, second.producers);
    second.output_shape = first.output_shape;
  }

  const NetworkState& network_;
  TrainingPlan& plan_;
};

}  // namespace

void FuseNodes(const NetworkState& network, TrainingPlan& plan) {
  Fusion fusion(network, plan);
  fusion.FuseNorms();
  fusion.PlaceActivations();
}

}  // namespace espalier
