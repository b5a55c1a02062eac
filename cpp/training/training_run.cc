// SPDX-License-Identifier: Apache-2.0
#include "training/training_run.h"

#include <algorithm>

#include "core/near_names.h"
#include "core/text.h"
#include "kernels/elementwise/elementwise.h"
#include "layers/layout.h"
#include "layers/partition.h"

namespace espalier {
namespace {

constexpr std::int64_t kAdditionChunkFloats = 32768;  // by problem size, never by threads

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<OwnLoss> OwnLossesOf(const NetworkState& network, const Losses& losses,
                                 std::int64_t max_batch) {
  std::vector<OwnLoss> own_losses;
  std::vector<std::string> names;
  for (const GraphHead& head : network.heads) {
    names.push_back(head.name);
    if (losses.contains(head.name)) own_losses.emplace_back(head.name, head.task, max_batch);
  }
  for (const auto& [name, loss] : losses) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      Fail(ErrorCode::kInvalidArgument, "losses: expected the name of a head, got '", name, "'",
           NamesInstead(name, names));
    }
  }
  return own_losses;
}

}  // namespace

TrainingRun::TrainingRun(NetworkState& network, const TrainingPlan& plan, ParameterUpdates& updates,
                         const Losses& losses)
    : network_(network),
      plan_(plan),
      updates_(updates),
      arena_(plan.arena.floats),
      own_losses_(OwnLossesOf(network, losses, plan.max_batch)),
      reached_nodes_(plan.nodes.size(), 0),
      active_columns_(Index(network.total_width()), 0) {
  for (const PlanNode& node : plan.nodes) BindNode(node);
  for (const PlanGroup& group : plan.groups) {
    groups_.emplace_back(network, group, plan.max_batch,
                         HeadGroupBuffers{.input = Buffer(group.input),
                                          .rows = Buffer(group.rows),
                                          .logits = Buffer(group.logits),
                                          .grad_logits = Buffer(group.grad_logits),
                                          .grad_input = Buffer(group.grad_input)},
                         updates, own_losses_);
  }
  for (std::size_t i = 0; i < network.inputs.size(); ++i) {
    entries_.emplace_back(network.values[i], network.inputs[i].normalization);
  }
  CountScratch();
}

float* TrainingRun::Buffer(BufferId buffer) {
  return buffer == kNoBuffer ? nullptr : arena_.data() + plan_.arena.offsets[Index(buffer)];
}

float* TrainingRun::Source(std::size_t index) { return Buffer(plan_.sources[index].buffer); }

void TrainingRun::BindNode(const PlanNode& plan_node) {
  const GraphLayer& layer = network_.layers[Index(plan_node.layer)];
  Node node;
  node.layer = &layer;
  node.input_shapes = layer.input_shapes;
  const bool varies = network_.value(layer.output).length.varies() ||
                      std::any_of(layer.inputs.begin(), layer.inputs.end(),
                                  [&](int input) { return network_.value(input).length.varies(); });
  if (varies) varying_nodes_.push_back(nodes_.size());
  node.output_shape = plan_node.output_shape;
  node.use = plan_node.use;
  node.runs_forward = !plan_node.is_fused && plan_node.done_by < 0;
  node.runs_backward = plan_node.has_backward && plan_node.done_by < 0;
  node.fused_activation = plan_node.fused_activation;
  node.fused_slope = plan_node.fused_slope;
  node.name_hash = HashName(layer.name.data(), layer.name.data() + layer.name.size());
  for (const BufferId input : plan_node.inputs) node.inputs.push_back(Buffer(input));
  for (const BufferId input : plan_node.backward_inputs) {
    node.backward_inputs.push_back(Buffer(input));
  }
  node.residual = Buffer(plan_node.residual);
  for (const BufferId grad_input : plan_node.grad_inputs) {
    node.grad_inputs.push_back(Buffer(grad_input));
  }
  for (std::size_t i = 0; i < layer.parameters.size(); ++i) {
    const int parameter = layer.parameters[i];
    node.parameters.push_back(network_.parameter_values(parameter));
    node.mutable_parameters.push_back(network_.parameter_values(parameter));
    if (i < plan_node.grad_parameters.size() && plan_node.grad_parameters[i] != kNoBuffer) {
      updates_.PlaceGradient(parameter, Buffer(plan_node.grad_parameters[i]));
    }
    node.grad_parameters.push_back(updates_.Gradient(parameter));
  }
  if (plan_node.has_late_gradient) {
    updates_.AddLateGradient(layer.parameters[0], Buffer(plan_node.grad_output), node.inputs[0]);
  }
  if (layer.layer->HasTableGradient() && node.grad_parameters[0] != nullptr) {
    node.table = updates_.AddTableGradient(layer.parameters[0],
                                           {.values = node.inputs[0],
                                            .per_example = layer.input_shapes[0].element_count(),
                                            .length = network_.value(layer.inputs[0]).length},
                                           plan_.max_batch);
  }
  node.output = Buffer(plan_node.output);
  node.again = Buffer(plan_node.again);
  node.saved = Buffer(plan_node.saved);
  node.forward_temporary = Buffer(plan_node.forward_temporary);
  node.backward_temporary = Buffer(plan_node.backward_temporary);
  node.prepared = Buffer(plan_node.prepared);
  node.grad_output = Buffer(plan_node.grad_output);
  nodes_.push_back(std::move(node));
}

void TrainingRun::CountScratch() {
  for (const PlanNode& node : plan_.nodes) {
    const GraphLayer& layer = network_.layers[Index(node.layer)];
    scratch_floats_ =
        std::max(scratch_floats_, layer.layer->ScratchFloats(plan_.max_batch, layer.input_shapes));
  }
  for (const HeadGroupRun& group : groups_) {
    scratch_floats_ = std::max(scratch_floats_, group.ScratchFloats());
  }
  scratch_floats_ = std::max(scratch_floats_, updates_.ScratchFloats());
}

void TrainingRun::Prepare(Workspace& workspace) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.prepared == nullptr) continue;
    node.layer->layer->Prepare(node.layer->input_shapes, plan_.nodes[i].use, node.parameters,
                               node.prepared, workspace);
  }
}

void TrainingRun::SetLengths(const BatchLengths* lengths) {
  lengths_.reset();
  if (lengths != nullptr) lengths_ = *lengths;
  for (const std::size_t i : varying_nodes_) {
    Node& node = nodes_[i];
    const GraphLayer& layer = *node.layer;
    for (std::size_t input = 0; input < layer.inputs.size(); ++input) {
      node.input_shapes[input] =
          network_.value(layer.inputs[input]).length.Cut(layer.input_shapes[input], lengths);
    }
    node.output_shape = network_.value(layer.output).length.Cut(layer.output_shape, lengths);
  }
}

void TrainingRun::SetInputs(std::int64_t batch, std::span<const float* const> inputs,
                            Workspace& workspace) {
  for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
    const int value = plan_.sources[i].value;
    if (!network_.is_input(value)) continue;
    entries_[Index(value)].Run(batch, lengths(), inputs[Index(value)], Source(i), workspace);
  }
}

void TrainingRun::Move(const std::vector<PlanMove>& moves, std::int64_t batch,
                       Workspace& workspace) {
  for (const PlanMove& move : moves) {
    if (move.to_layout == Layout::kRowMajor) {
      ToChannelsFirst(move.shape, batch, Buffer(move.from), Buffer(move.to), workspace);
    } else {
      ToChannelsLast(move.shape, batch, Buffer(move.from), Buffer(move.to), workspace);
    }
  }
}

ForwardArguments TrainingRun::ForwardOf(const Node& node, std::int64_t batch,
                                        Workspace& workspace) const {
  return {.batch = batch,
          .mode = node.use.mode,
          .layout = network_.value(node.layer->output).layout,
          .input_shapes = node.input_shapes,
          .output_shape = node.output_shape,
          .inputs = node.inputs,
          .parameters = node.parameters,
          .output = node.output,
          .saved = node.saved,
          .temporary = node.forward_temporary,
          .prepared = node.prepared,
          .residual = node.residual,
          .activation = node.fused_activation,
          .slope = node.fused_slope,
          .workspace = &workspace};
}

void TrainingRun::Forward(const StepPosition& position, std::span<const TaskTargets> targets,
                          Workspace& workspace) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (!node.runs_forward) continue;
    Move(plan_.nodes[i].moves, position.batch, workspace);
    ForwardArguments arguments = ForwardOf(node, position.batch, workspace);
    arguments.random = {.seed = position.seed,
                        .purpose = RandomPurpose::kDropout,
                        .index = static_cast<std::uint32_t>(position.step),
                        .subindex = node.name_hash};
    node.layer->layer->Forward(arguments);
  }
  for (HeadGroupRun& group : groups_) group.Forward(position.batch, targets, workspace);
}

void TrainingRun::ComputeLosses(std::int64_t batch, std::span<const TaskTargets> targets,
                                std::span<TaskLoss> tasks, const BatchTotals* whole) {
  for (HeadGroupRun& group : groups_) {
    group.ComputeLosses(batch, targets, tasks, active_columns_, whole);
  }
  MarkReachedNodes();
}

void TrainingRun::SetReached(std::span<const std::int64_t> labelled) {
  auto column = active_columns_.begin();
  auto target = labelled.begin();
  for (const GraphHead& head : network_.heads) {
    const bool is_classes = head.task.kind == TaskKind::kClasses;
    for (std::int64_t i = 0; i < head.width(); ++i) {
      *column++ = *target > 0 ? 1 : 0;
      if (!is_classes) ++target;
    }
    if (is_classes) ++target;
  }
  MarkReachedNodes();
}

void TrainingRun::AcceptLosses(std::span<const LossAnswer> answers, std::span<TaskLoss> tasks) {
  for (HeadGroupRun& group : groups_) group.AcceptLosses(answers, tasks);
}

void TrainingRun::ScaleGradients(std::int64_t batch, std::span<const TaskLoss> tasks) {
  for (HeadGroupRun& group : groups_) group.ScaleGradients(batch, tasks);
}

void TrainingRun::MarkReachedNodes() {
  std::fill(reached_nodes_.begin(), reached_nodes_.end(), char{0});
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const int producer = plan_.groups[i].producer;
    if (producer >= 0 && groups_[i].IsReached(active_columns_)) reached_nodes_[Index(producer)] = 1;
  }
  for (std::size_t i = plan_.nodes.size(); i-- > 0;) {
    if (!reached_nodes_[i]) continue;
    for (const int producer : plan_.nodes[i].producers) {
      if (producer >= 0) reached_nodes_[Index(producer)] = 1;
    }
  }
}

void TrainingRun::CountHeads(std::span<const char> heads, std::span<int> counts) const {
  std::fill(counts.begin(), counts.end(), 0);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const int count = groups_[i].CountOf(heads);
    if (count == 0 || plan_.groups[i].producer < 0) continue;
    std::vector<char> leads_to_group(plan_.nodes.size(), 0);
    leads_to_group[Index(plan_.groups[i].producer)] = 1;
    for (std::size_t node = plan_.nodes.size(); node-- > 0;) {
      if (!leads_to_group[node]) continue;
      counts[node] += count;
      for (const int producer : plan_.nodes[node].producers) {
        if (producer >= 0) leads_to_group[Index(producer)] = 1;
      }
    }
  }
}

void TrainingRun::Backward(std::int64_t batch, Workspace& workspace) {
  updates_.FindTableRows(batch, lengths());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    groups_[i].Backward(batch, workspace);
    AddGradients(plan_.groups[i].additions, batch, workspace);
  }
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    if (!node.runs_backward) continue;
    for (const int repeated : plan_.nodes[i].repeats) {
      const Node& again = nodes_[Index(repeated)];
      ForwardArguments arguments = ForwardOf(again, batch, workspace);
      arguments.output = again.again;
      again.layer->layer->Forward(arguments);
    }
    node.layer->layer->Backward({.batch = batch,
                                 .mode = node.use.mode,
                                 .layout = network_.value(node.layer->output).layout,
                                 .input_shapes = node.input_shapes,
                                 .output_shape = node.output_shape,
                                 .inputs = node.backward_inputs,
                                 .parameters = node.parameters,
                                 .output = node.output,
                                 .grad_output = node.grad_output,
                                 .saved = node.saved,
                                 .temporary = node.backward_temporary,
                                 .prepared = node.prepared,
                                 .has_residual = node.use.has_residual,
                                 .activation = node.use.activation,
                                 .slope = node.fused_slope,
                                 .grad_before_activation = node.grad_output,
                                 .grad_inputs = node.grad_inputs,
                                 .grad_parameters = node.grad_parameters,
                                 .gradient_rows = updates_.GradientRows(node.table),
                                 .workspace = &workspace});
    Move(plan_.nodes[i].gradient_moves, batch, workspace);
    AddGradients(plan_.nodes[i].additions, batch, workspace);
  }
}

void TrainingRun::AddGradients(const std::vector<GradientAddition>& additions, std::int64_t batch,
                               Workspace& workspace) {
  for (const GradientAddition& addition : additions) {
    const float* const from = Buffer(addition.from);
    float* const to = Buffer(addition.to);
    const std::int64_t floats = batch * addition.length.Cut(addition.floats, lengths());
    const std::int64_t chunks = (floats + kAdditionChunkFloats - 1) / kAdditionChunkFloats;
    workspace.ParallelFor(chunks, [&](std::int64_t chunk, std::span<float>) {
      const std::int64_t first = chunk * kAdditionChunkFloats;
      AddArrays(to + first, from + first, std::min(kAdditionChunkFloats, floats - first),
                to + first);
    });
  }
}

const GraphLayer* TrainingRun::FirstNonFiniteStatistics(std::int64_t batch) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (MovesStatistics(i) &&
        !node.layer->layer->HasFiniteStatistics(batch, node.input_shapes, node.saved)) {
      return node.layer;
    }
  }
  return nullptr;
}

bool TrainingRun::MovesStatistics(std::size_t node) const {
  return nodes_[node].use.mode == Mode::kTraining && reached_nodes_[node] != 0;
}

void TrainingRun::UpdateBuffers(std::int64_t batch) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    if (!MovesStatistics(i)) continue;
    node.layer->layer->UpdateBuffers(batch, node.input_shapes, node.saved, node.mutable_parameters);
  }
}

std::int64_t TrainingRun::NativeBytes() const {
  std::int64_t bytes = arena_.bytes();
  for (const HeadGroupRun& group : groups_) bytes += group.NativeBytes();
  for (const OwnLoss& loss : own_losses_) bytes += loss.NativeBytes();
  for (const InputEntry& entry : entries_) bytes += entry.NativeBytes();
  return bytes;
}

}  // namespace espalier
