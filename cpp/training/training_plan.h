// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a training step does on a network, in which order and in which buffers: decided
// once from the graph, what is frozen, and the batch size.
//
// The largest frozen prefix is left to an inference plan, whose results are the step's
// sources. All other layers that lead to a head are nodes: run forward in order, then
// backward in reverse order where a trainable layer lies at or below. The output layers
// of heads are never nodes or part of the prefix: heads with the same input are a group,
// run as one product.
//
// Values lie as GraphValue::layout says, sources included. Those whose length varies have as many
// positions as the batch's longest example, all examples one after another.

#include <cstdint>
#include <vector>

#include "network/network_state.h"
#include "core/arena_layout.h"
#include "kernels/elementwise/activation.h"

namespace espalier {

using BufferId = int;  // index into TrainingPlan::buffers
inline constexpr BufferId kNoBuffer = -1;

/// What a step starts from: what a layer of the prefix makes, or an input of the network,
/// normalized.
struct PlanSource {
  int value = 0;
  std::int64_t floats = 0;  // an example
  Length length;
  BufferId buffer = kNoBuffer;
};

/// to = from, over a batch, in the other layout.
struct PlanMove {
  Shape shape{1};
  Layout to_layout = Layout::kRowMajor;
  BufferId from = kNoBuffer;
  BufferId to = kNoBuffer;
};

/// to += from, over a batch: one more consumer's share of a gradient.
struct GradientAddition {
  BufferId from = kNoBuffer;
  BufferId to = kNoBuffer;
  std::int64_t floats = 0;  // an example
  Length length;
};

/// Nodes whose work a batch norm does (norm_fusion.h); -1: none.
struct NormFollowers {
  int sum = -1;
  int residual_term = 0;  // which of the sum's two terms the norm adds to its own
  int activation = -1;
};

struct PlanNode {
  int layer = 0;
  LayerUse use;
  bool has_backward = false;    // has parameters to update, or such a node lies below
  std::vector<int> producers;   // node of each input, or -1: a source
  Shape output_shape{1};        // the layer's, but for an activation that max pooling overtook
  std::vector<PlanMove> moves;  // of inputs that lie otherwise than the layer wants; before forward
  std::vector<BufferId> inputs;
  std::vector<BufferId> backward_inputs;  // as the backward pass reads them, if it does
  BufferId residual = kNoBuffer;          // of a batch norm that does the work of a sum
  BufferId output = kNoBuffer;
  BufferId saved = kNoBuffer;
  BufferId forward_temporary = kNoBuffer;
  BufferId backward_temporary = kNoBuffer;
  BufferId prepared = kNoBuffer;  // filled before the first step
  BufferId grad_output = kNoBuffer;
  std::vector<BufferId> grad_inputs;      // kNoBuffer: not wanted
  std::vector<BufferId> grad_parameters;  // large ones; kNoBuffer: elsewhere, or not wanted
  std::vector<PlanMove> gradient_moves;   // after the node's backward, and before the additions
  std::vector<GradientAddition> additions;
  /// Of the node that follows, whose forward pass is then nothing and whose buffers are this
  /// node's.
  Activation fused_activation = Activation::kNone;
  float fused_slope = 0.0f;
  bool is_fused = false;  // into the node before it
  NormFollowers followers;
  int done_by = -1;  // the batch norm that does this node's work, both ways
  /// The gradient of its weights waits until all others are known: it is computed where it is
  /// used, and has no memory. Input and gradient of the output are kept that long.
  bool has_late_gradient = false;
  /// Its output is not kept for backward passes, but computed once more (repeated_values.h): into
  /// `again`, which they read.
  bool is_repeated = false;
  BufferId again = kNoBuffer;
  std::vector<int> repeats;  // nodes to be repeated before this one's backward pass
};

/// Heads that one product serves.
struct PlanGroup {
  HeadGroup group;
  GraphValue input_value;
  std::int64_t input_floats = 0;  // an example
  int producer = -1;              // node that feeds it, or -1: a source
  bool has_trainable_head = false;
  BufferId input = kNoBuffer;
  BufferId rows = kNoBuffer;         // the input as the weights need it; kNoBuffer: as it lies
  BufferId logits = kNoBuffer;       // [batch, group.width]
  BufferId grad_logits = kNoBuffer;  // kNoBuffer: nothing trainable here or below
  BufferId grad_input = kNoBuffer;   // kNoBuffer: not wanted
  std::vector<GradientAddition> additions;
};

struct TrainingPlan {
  std::int64_t max_batch = 0;
  std::vector<char> in_prefix;      // by layer
  std::vector<int> prefix_outputs;  // values that others are computed from; empty: no prefix
  std::vector<PlanSource> sources;  // prefix_outputs, then the network's inputs that are needed
  std::int64_t source_floats = 0;   // of all sources, an example
  std::vector<PlanNode> nodes;
  std::vector<PlanGroup> groups;
  std::vector<BufferRequest> buffers;
  ArenaLayout arena;

  bool has_prefix() const { return !prefix_outputs.empty(); }
};

/// True if the layer has parameters that training may move: not frozen, not only buffers.
bool IsTrainable(const NetworkState& network, int layer);

/// Smaller gradients lie together, so that their sums and updates take few tasks.
inline constexpr std::int64_t kLeastLargeGradientFloats = 1 << 16;

/// Where large gradients are until the update.
enum class LargeGradients : std::uint8_t {
  /// Late where they can be, else in the arena, where values lay that backward passes have read.
  kLate,
  /// In the arena: where an update needs the norm of all gradients first.
  kInArena,
  /// In memory of their own: where they outlive the step's buffers.
  kApart,
};

TrainingPlan CompileTrainingPlan(const NetworkState& network, std::int64_t max_batch,
                                 LargeGradients large_gradients = LargeGradients::kLate);

/// A plan's frozen prefix alone: in_prefix, prefix_outputs, sources and source_floats.
TrainingPlan FindFrozenPrefix(const NetworkState& network);

}  // namespace espalier
