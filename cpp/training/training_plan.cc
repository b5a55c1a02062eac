// SPDX-License-Identifier: Apache-2.0
#include "training/training_plan.h"

#include <algorithm>
#include <utility>

#include "core/checked.h"
#include "core/fast_paths.h"
#include "core/text.h"
#include "kernels/matmul/weight_gradient.h"
#include "layers/layout.h"
#include "training/node_fusion.h"
#include "training/repeated_values.h"

namespace espalier {
namespace {

std::size_t Index(int i) { return static_cast<std::size_t>(i); }

class Compiler {
 public:
  Compiler(const NetworkState& network, std::int64_t max_batch, LargeGradients large_gradients)
      : network_(network), large_gradients_(large_gradients) {
    plan_.max_batch = max_batch;
  }

  TrainingPlan Compile() {
    FindLiveLayers();
    RefuseReadersOfHeads();
    ChoosePrefix();
    MakeSources();
    MakeNodes();
    MakeGroups();
    FindGradients();
    FuseNodes(network_, plan_);
    ChooseRepeatedValues(network_, plan_);
    PlanForward();
    PlanBackward();
    plan_.arena = LayOutArena(plan_.buffers);
    return std::move(plan_);
  }

  TrainingPlan CompilePrefix() {
    FindLiveLayers();
    ChoosePrefix();
    MakeSources();
    return std::move(plan_);
  }

 private:
  const GraphLayer& layer(int index) const { return network_.layers[Index(index)]; }
  int node_count() const { return static_cast<int>(plan_.nodes.size()); }

  // The clock of buffer lifetimes: sources are filled at -1, node i runs forward at i and
  // backward at 2n - i, the groups in between.
  int groups_time() const { return node_count(); }
  int backward_time(int node) const { return 2 * node_count() - node; }
  int end_time() const { return 2 * node_count() + 1; }

  BufferId NewBuffer(std::int64_t floats_per_example, int first, int last) {
    return BatchBuffer(CheckedMultiply(floats_per_example, plan_.max_batch), first, last);
  }

  // Of a whole batch; none of no floats.
  BufferId BatchBuffer(std::int64_t floats, int first, int last) {
    if (floats == 0) return kNoBuffer;
    plan_.buffers.push_back({floats, first, last});
    return static_cast<BufferId>(plan_.buffers.size()) - 1;
  }

  void KeepUntil(BufferId buffer, int time) {
    int& last = plan_.buffers[Index(buffer)].last;
    last = std::max(last, time);
  }

  // Layers that lead to a head; nothing else is worth running.
  void FindLiveLayers() {
    is_head_output_.assign(network_.layers.size(), 0);
    for (const GraphHead& head : network_.heads) is_head_output_[Index(head.output)] = 1;
    live_ = is_head_output_;
    for (int i = static_cast<int>(network_.layers.size()) - 1; i >= 0; --i) {
      if (!live_[Index(i)]) continue;
      for (const int input : layer(i).inputs) {
        if (const int maker = MakerOf(input); maker != kNoLayer) live_[Index(maker)] = 1;
      }
    }
  }

  int MakerOf(int value) const { return network_.value(value).layer; }

  // Logits are a group's, computed after all nodes; what reads them would have to wait for them.
  void RefuseReadersOfHeads() const {
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      if (!live_[i]) continue;
      for (const int input : network_.layers[i].inputs) {
        if (MakerOf(input) == kNoLayer || !is_head_output_[Index(MakerOf(input))]) continue;
        Fail(ErrorCode::kInvalidArgument, "train: expected layer '", network_.layers[i].name,
             "' to read a layer that is no head's output, got '", network_.value_name(input),
             "'; such a network can be served, but not trained");
      }
    }
  }

  void ChoosePrefix() {
    plan_.in_prefix = FrozenPrefix(network_);
    bool has_parameters = false;
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      if (is_head_output_[i] || !live_[i]) plan_.in_prefix[i] = 0;
    }
    LeaveConstantsOut();
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      if (plan_.in_prefix[i] && !network_.layers[i].parameters.empty()) has_parameters = true;
    }
    // Without parameters there is nothing to save.
    if (!has_parameters) std::fill(plan_.in_prefix.begin(), plan_.in_prefix.end(), char{0});
  }

  // Constants that the prefix does not read: as features they would be kept for every example.
  void LeaveConstantsOut() {
    std::vector<char> is_read(network_.values.size(), 0);  // in the prefix
    for (std::size_t i = network_.layers.size(); i-- > 0;) {
      const GraphLayer& graph_layer = network_.layers[i];
      if (graph_layer.is_constant && !is_read[Index(graph_layer.output)]) plan_.in_prefix[i] = 0;
      if (!plan_.in_prefix[i]) continue;
      for (const int input : graph_layer.inputs) is_read[Index(input)] = 1;
    }
  }

  // What layers outside the prefix are computed from.
  void MakeSources() {
    std::vector<char> is_source(network_.values.size(), 0);
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      if (!live_[i] || plan_.in_prefix[i]) continue;
      for (const int input : network_.layers[i].inputs) {
        const int maker = MakerOf(input);
        if (maker == kNoLayer || plan_.in_prefix[Index(maker)]) is_source[Index(input)] = 1;
      }
    }
    const int inputs = static_cast<int>(network_.inputs.size());
    for (int value = inputs; value < static_cast<int>(is_source.size()); ++value) {
      if (!is_source[Index(value)]) continue;
      plan_.prefix_outputs.push_back(value);
      AddSource(value);
    }
    for (int value = 0; value < inputs; ++value) {
      if (is_source[Index(value)]) AddSource(value);
    }
    for (const PlanSource& source : plan_.sources) {
      plan_.source_floats = CheckedAdd(plan_.source_floats, source.floats);
    }
  }

  void AddSource(int value) {
    const GraphValue& source = network_.value(value);
    plan_.sources.push_back(
        {.value = value, .floats = source.shape.element_count(), .length = source.length});
  }

  void MakeNodes() {
    node_of_.assign(network_.layers.size(), -1);
    for (int i = 0; i < static_cast<int>(network_.layers.size()); ++i) {
      if (!live_[Index(i)] || plan_.in_prefix[Index(i)] || is_head_output_[Index(i)]) continue;
      const GraphLayer& graph_layer = layer(i);
      PlanNode node;
      node.layer = i;
      node.output_shape = graph_layer.output_shape;
      for (const int input : graph_layer.inputs) node.producers.push_back(NodeOf(input));
      node.use = {.mode = graph_layer.frozen && !graph_layer.adapt_statistics ? Mode::kEvaluation
                                                                              : Mode::kTraining,
                  .grad_inputs =
                      std::any_of(graph_layer.inputs.begin(), graph_layer.inputs.end(),
                                  [&](int value) { return PassesGradient(NodeOf(value), value); }),
                  .grad_parameters = IsTrainable(network_, i)};
      node.has_backward = node.use.grad_inputs || node.use.grad_parameters;
      node.has_late_gradient = HasLateGradient(node);
      node_of_[Index(i)] = node_count();
      plan_.nodes.push_back(std::move(node));
    }
  }

  // True if a reader of the value, which that node makes, has a gradient to pass to the node.
  bool PassesGradient(int producer, int value) const {
    return producer >= 0 && plan_.nodes[Index(producer)].has_backward &&
           network_.value(value).type == ElementType::kFloat32;
  }

  // No gradient comes from behind a layer that makes integers; none can pass one without Backward.
  void FindGradients() {
    std::vector<char> has_gradient(plan_.nodes.size(), 0);
    for (const PlanGroup& group : plan_.groups) {
      if (group.producer >= 0) has_gradient[Index(group.producer)] = 1;
    }
    for (int i = node_count() - 1; i >= 0; --i) {
      PlanNode& node = plan_.nodes[Index(i)];
      const GraphLayer& graph_layer = layer(node.layer);
      if (!has_gradient[Index(i)]) {
        node.use.grad_inputs = node.use.grad_parameters = node.has_backward = false;
        node.has_late_gradient = false;
        continue;
      }
      if (node.has_backward && !graph_layer.layer->HasBackward()) {
        Fail(ErrorCode::kInvalidArgument, "train: expected layers that gradients pass, got '",
             graph_layer.name, "' (", graph_layer.layer->kind(),
             ") above layers that are not frozen; freeze these, or serve the network");
      }
      for (std::size_t input = 0; input < node.producers.size(); ++input) {
        if (PassesGradient(node.producers[input], graph_layer.inputs[input])) {
          has_gradient[Index(node.producers[input])] = 1;
        }
      }
    }
  }

  bool HasLateGradient(const PlanNode& node) const {
    const GraphLayer& graph_layer = layer(node.layer);
    return large_gradients_ == LargeGradients::kLate && node.use.grad_parameters &&
           plan_.max_batch <= kMostGradientExamples &&
           graph_layer.layer->HasProductGradient(graph_layer.input_shapes) &&
           network_.parameters[Index(graph_layer.parameters[0])].shape.element_count() >=
               kLeastGradientFloats &&
           Takes(FastPath::kLateGradients);
  }

  int NodeOf(int value) const {
    return MakerOf(value) == kNoLayer ? -1 : node_of_[Index(MakerOf(value))];
  }

  void MakeGroups() {
    for (HeadGroup& head_group : HeadGroups(network_)) {
      PlanGroup group;
      group.producer = NodeOf(head_group.input);
      group.input_value = network_.value(head_group.input);
      group.input_floats = group.input_value.shape.element_count();
      for (const int head : head_group.heads) {
        if (IsTrainable(network_, network_.heads[Index(head)].output)) {
          group.has_trainable_head = true;
        }
      }
      group.group = std::move(head_group);
      plan_.groups.push_back(std::move(group));
    }
  }

  // Where a value lies that a node or a source makes.
  BufferId BufferOf(int value) const {
    const int node = NodeOf(value);
    return node >= 0 ? plan_.nodes[Index(node)].output : source_buffers_[Index(value)];
  }

  // Where an input lies that a node reads. By node, not by value: an activation and max pooling may
  // have changed places.
  BufferId InputBuffer(const PlanNode& node, std::size_t input) const {
    const int producer = node.producers[input];
    return producer >= 0 ? plan_.nodes[Index(producer)].output
                         : BufferOf(layer(node.layer).inputs[input]);
  }

  void PlanForward() {
    source_buffers_.assign(network_.values.size(), kNoBuffer);
    for (PlanSource& source : plan_.sources) {
      source.buffer = NewBuffer(source.floats, -1, -1);
      source_buffers_[Index(source.value)] = source.buffer;
    }
    for (int i = 0; i < node_count(); ++i) {
      PlanNode& node = plan_.nodes[Index(i)];
      if (node.done_by >= 0) {
        node.output = plan_.nodes[Index(node.done_by)].output;
        continue;
      }
      const GraphLayer& graph_layer = layer(node.layer);
      const LayerMemory memory =
          graph_layer.layer->Memory(plan_.max_batch, graph_layer.input_shapes, node.use);
      int inputs_last = i;
      if (node.has_backward && memory.reads_inputs) inputs_last = backward_time(i);
      const bool is_table = node.use.grad_parameters && graph_layer.layer->HasTableGradient();
      if (node.has_late_gradient || is_table) inputs_last = end_time();
      for (std::size_t input = 0; input < node.producers.size(); ++input) {
        BufferId buffer = InputBuffer(node, input);
        if (!network_.LiesAsRead(graph_layer.inputs[input], graph_layer)) {
          KeepUntil(buffer, i);
          buffer = AddMove(graph_layer.inputs[input], node.layer, buffer, i, node.moves);
        }
        node.inputs.push_back(buffer);
        KeepUntil(buffer, i);
        node.backward_inputs.push_back(BackwardInput(node, input, inputs_last));
      }
      if (node.followers.sum >= 0) {
        node.residual = InputBuffer(plan_.nodes[Index(node.followers.sum)],
                                    static_cast<std::size_t>(node.followers.residual_term));
        KeepUntil(node.residual, i);
      }
      node.output =
          node.is_fused ? node.inputs[0] : NewBuffer(node.output_shape.element_count(), i, i);
      if (node.has_backward && memory.reads_output) KeepUntil(node.output, backward_time(i));
      // Buffers are updated from what was saved, once the step is known to be finite.
      const int saved_last =
          UpdatesBuffers(node) ? end_time() : (node.has_backward ? backward_time(i) : i);
      node.saved = BatchBuffer(memory.saved, i, saved_last);
      node.prepared = BatchBuffer(memory.prepared, -1, end_time());
      node.forward_temporary = BatchBuffer(memory.forward, i, i);
      if (node.has_backward) {
        node.backward_temporary = BatchBuffer(memory.backward, backward_time(i), backward_time(i));
      }
    }
    PlanRepeats();
    for (PlanGroup& group : plan_.groups) {
      group.input = BufferOf(group.group.input);
      KeepUntil(group.input, groups_time());
      if (!LiesAsOutside(group.input_value)) {
        group.rows = NewBuffer(group.input_floats, groups_time(), groups_time());
      }
      group.logits = NewBuffer(group.group.width, groups_time(), groups_time());
    }
  }

  // Where a node finds an input at a time after its forward pass, if it comes to that.
  BufferId BackwardInput(const PlanNode& node, std::size_t input, int time) {
    const BufferId buffer = node.inputs[input];
    const int producer = node.producers[input];
    if (producer < 0 || plan_.nodes[Index(producer)].output != buffer ||
        !plan_.nodes[Index(producer)].is_repeated || time < groups_time()) {
      KeepUntil(buffer, time);
      return buffer;
    }
    PlanNode& repeated = plan_.nodes[Index(producer)];
    if (repeated.again == kNoBuffer) {
      repeated.again = NewBuffer(repeated.output_shape.element_count(), time, time);
    }
    int& first = plan_.buffers[Index(repeated.again)].first;
    first = std::min(first, time);
    KeepUntil(repeated.again, time);
    return repeated.again;
  }

  // Of the nodes that read a repeated value, the last one runs backward first.
  void PlanRepeats() {
    std::vector<char> is_planned(plan_.nodes.size(), 0);
    for (int i = node_count() - 1; i >= 0; --i) {
      PlanNode& node = plan_.nodes[Index(i)];
      for (std::size_t input = 0; input < node.backward_inputs.size(); ++input) {
        const int producer = node.producers[input];
        if (node.backward_inputs[input] == node.inputs[input] || is_planned[Index(producer)]) {
          continue;
        }
        is_planned[Index(producer)] = 1;
        node.repeats.push_back(producer);
      }
    }
  }

  // Moves a value into the layout that a layer wants. The result lives at `time` alone so far.
  BufferId AddMove(int value, int layer_index, BufferId from, int time,
                   std::vector<PlanMove>& moves) {
    const Shape& shape = network_.value(value).shape;
    const BufferId to = NewBuffer(shape.element_count(), time, time);
    moves.push_back({.shape = shape,
                     .to_layout = network_.value(layer(layer_index).output).layout,
                     .from = from,
                     .to = to});
    return to;
  }

  bool UpdatesBuffers(const PlanNode& node) const {
    const std::vector<int>& parameters = layer(node.layer).parameters;
    return node.use.mode == Mode::kTraining &&
           std::any_of(parameters.begin(), parameters.end(), [&](int parameter) {
             return network_.parameters[Index(parameter)].role == ParameterRole::kBuffer;
           });
  }

  // Gradients flow in one fixed order: groups, then nodes from last to first. The first
  // consumer of an output writes its gradient, later ones add to it.
  void PlanBackward() {
    for (PlanGroup& group : plan_.groups) {
      const bool wants_input =
          group.producer >= 0 && plan_.nodes[Index(group.producer)].has_backward;
      if (!group.has_trainable_head && !wants_input) continue;
      group.grad_logits = NewBuffer(group.group.width, groups_time(), groups_time());
      if (!wants_input) continue;
      group.grad_input =
          GradientShare(group.producer, group.input_floats, groups_time(), group.additions);
    }
    for (int i = node_count() - 1; i >= 0; --i) {
      PlanNode& node = plan_.nodes[Index(i)];
      if (!node.has_backward) continue;
      if (node.has_late_gradient) KeepUntil(node.grad_output, end_time());
      PlanGradients(node, i);
      if (node.use.grad_parameters) PlaceLargeGradients(node, i);
    }
  }

  void PlaceLargeGradients(PlanNode& node, int i) {
    const GraphLayer& graph_layer = layer(node.layer);
    for (std::size_t p = 0; p < graph_layer.parameters.size(); ++p) {
      const GraphParameter& parameter = network_.parameters[Index(graph_layer.parameters[p])];
      const std::int64_t floats = parameter.shape.element_count();
      const bool is_elsewhere =
          p == 0 && (node.has_late_gradient || graph_layer.layer->HasTableGradient());
      node.grad_parameters.push_back(large_gradients_ == LargeGradients::kApart || is_elsewhere ||
                                             parameter.role == ParameterRole::kBuffer ||
                                             floats < kLeastLargeGradientFloats
                                         ? kNoBuffer
                                         : BatchBuffer(floats, backward_time(i), end_time()));
    }
  }

  void PlanGradients(PlanNode& node, int i) {
    if (node.done_by >= 0) {
      // A sum with an activation behind it has none.
      if (node.grad_output != kNoBuffer) Pass(node.grad_output, node.done_by, node.additions);
      return;
    }
    node.grad_inputs.assign(node.producers.size(), kNoBuffer);
    const LayerTraits traits = TraitsOf(layer(node.layer));
    if (traits.sums) {
      PlanGradientsOfSum(node, i);
      return;
    }
    const int residual = ResidualProducer(node);
    if (residual >= 0) Pass(node.grad_output, residual, node.additions);
    const bool is_in_place = node.is_fused ||
                             (traits.activation.has_value() && LiesAsRead(node, 0)) ||
                             (traits.normalizes_channels && residual < 0 && LiesAsRead(node, 0));
    if (is_in_place && WantsGradient(node, 0)) {
      node.grad_inputs[0] = node.grad_output;
      Pass(node.grad_output, node.producers[0], node.additions);
      return;
    }
    for (std::size_t input = 0; input < node.producers.size(); ++input) {
      if (WantsGradient(node, input)) node.grad_inputs[input] = GradientOfInput(node, input, i);
    }
  }

  // The gradient of a term is that of the sum: a term is given it, and need not be written.
  void PlanGradientsOfSum(PlanNode& node, int i) {
    int keeper = -1;  // who comes last of those that have no gradient yet
    for (std::size_t term = 0; term < node.producers.size(); ++term) {
      const int producer = node.producers[term];
      if (!WantsGradient(node, term) || plan_.nodes[Index(producer)].grad_output != kNoBuffer) {
        continue;
      }
      if (keeper < 0 || producer < keeper) keeper = producer;
    }
    for (std::size_t term = 0; term < node.producers.size(); ++term) {
      if (!WantsGradient(node, term)) continue;
      const int producer = node.producers[term];
      const bool is_one_term =
          std::count(node.producers.begin(), node.producers.end(), producer) == 1;
      const bool has_gradient = plan_.nodes[Index(producer)].grad_output != kNoBuffer;
      if (is_one_term && LiesAsRead(node, term) &&
          (has_gradient || producer == keeper || LeavesGradient(producer, keeper, i))) {
        Pass(node.grad_output, producer, node.additions);
      } else {
        node.grad_inputs[term] = GradientOfInput(node, term, i);
      }
    }
  }

  // True if a term of the sum `sum` only reads its gradient, and before anyone writes to it, who
  // may be `keeper` or what reads what that makes.
  bool LeavesGradient(int term, int keeper, int sum) const {
    const PlanNode& node = plan_.nodes[Index(term)];
    const LayerTraits traits = TraitsOf(layer(node.layer));
    if (node.is_fused || node.done_by >= 0 || node.has_late_gradient || traits.sums ||
        traits.normalizes_channels || traits.activation.has_value()) {
      return false;
    }
    for (int i = 0; i < node_count(); ++i) {
      const PlanNode& reader = plan_.nodes[Index(i)];
      const auto reads = [&](int producer) {
        return ResidualProducer(reader) == producer ||
               std::count(reader.producers.begin(), reader.producers.end(), producer) > 0;
      };
      if (i != sum && (reads(term) || (i > term && i < sum && reads(keeper)))) return false;
    }
    return std::none_of(plan_.groups.begin(), plan_.groups.end(),
                        [&](const PlanGroup& group) { return group.producer == term; });
  }

  bool WantsGradient(const PlanNode& node, std::size_t input) const {
    return PassesGradient(node.producers[input], layer(node.layer).inputs[input]);
  }

  bool LiesAsRead(const PlanNode& node, std::size_t input) const {
    return network_.LiesAsRead(layer(node.layer).inputs[input], layer(node.layer));
  }

  // The node that wants the gradient of the residual that a batch norm adds, or -1.
  int ResidualProducer(const PlanNode& node) const {
    if (node.followers.sum < 0) return -1;
    const PlanNode& sum = plan_.nodes[Index(node.followers.sum)];
    const auto term = static_cast<std::size_t>(node.followers.residual_term);
    return WantsGradient(sum, term) ? sum.producers[term] : -1;
  }

  // Gives a gradient to the node that it is one of: as it is if that has none yet, which may then
  // write over it, else to be added.
  void Pass(BufferId gradient, int to, std::vector<GradientAddition>& additions) {
    PlanNode& node = plan_.nodes[Index(to)];
    if (node.grad_output == kNoBuffer) {
      node.grad_output = gradient;
      KeepUntil(gradient, backward_time(to));
    } else {
      AddTo(to, gradient, node.output_shape.element_count(), additions);
    }
  }

  // Where a node's backward pass writes the gradient of an input: the producer's share of it, or
  // what is moved there.
  BufferId GradientOfInput(PlanNode& node, std::size_t input, int i) {
    const int producer = node.producers[input];
    const BufferId share =
        GradientShare(producer, plan_.nodes[Index(producer)].output_shape.element_count(),
                      backward_time(i), node.additions);
    if (LiesAsRead(node, input)) return share;
    const GraphValue& value = network_.value(layer(node.layer).inputs[input]);
    const BufferId own = NewBuffer(value.shape.element_count(), backward_time(i), backward_time(i));
    node.gradient_moves.push_back(
        {.shape = value.shape, .to_layout = value.layout, .from = own, .to = share});
    return own;
  }

  // Where a consumer at `time` writes its share of the gradient of a node's output.
  BufferId GradientShare(int producer, std::int64_t floats, int time,
                         std::vector<GradientAddition>& additions) {
    BufferId& grad_output = plan_.nodes[Index(producer)].grad_output;
    if (grad_output == kNoBuffer) {
      grad_output = NewBuffer(floats, time, backward_time(producer));
      return grad_output;
    }
    const BufferId share = NewBuffer(floats, time, time);
    AddTo(producer, share, floats, additions);
    return share;
  }

  // One more consumer's share of the gradient of a node's output.
  void AddTo(int node, BufferId share, std::int64_t floats,
             std::vector<GradientAddition>& additions) const {
    const PlanNode& to = plan_.nodes[Index(node)];
    additions.push_back({.from = share,
                         .to = to.grad_output,
                         .floats = floats,
                         .length = network_.value(layer(to.layer).output).length});
  }

  const NetworkState& network_;
  const LargeGradients large_gradients_;
  TrainingPlan plan_;
  std::vector<char> is_head_output_;      // by layer
  std::vector<char> live_;                // by layer
  std::vector<int> node_of_;              // by layer; -1: none
  std::vector<BufferId> source_buffers_;  // by value
};

}  // namespace

bool IsTrainable(const NetworkState& network, int layer) {
  const GraphLayer& graph_layer = network.layers[Index(layer)];
  if (graph_layer.frozen) return false;
  return std::any_of(graph_layer.parameters.begin(), graph_layer.parameters.end(),
                     [&](int parameter) {
                       return network.parameters[Index(parameter)].role != ParameterRole::kBuffer;
                     });
}

TrainingPlan CompileTrainingPlan(const NetworkState& network, std::int64_t max_batch,
                                 LargeGradients large_gradients) {
  return Compiler(network, max_batch, large_gradients).Compile();
}

TrainingPlan FindFrozenPrefix(const NetworkState& network) {
  return Compiler(network, 1, LargeGradients::kApart).CompilePrefix();
}

}  // namespace espalier
