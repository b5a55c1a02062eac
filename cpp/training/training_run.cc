// SPDX-License-Identifier: Apache-2.0
#include "training/training_run.h"

#include <algorithm>

#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "kernels/reduction.h"
#include "layers/layout.h"
#include "layers/partition.h"
#include "losses/loss.h"

namespace espalier {
namespace {

constexpr std::int64_t kAdditionChunkFloats = 32768;  // by problem size, never by threads

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t FirstColumn(const NetworkState& network, int head) {
  std::int64_t column = 0;
  for (int i = 0; i < head; ++i) column += network.heads[Index(i)].width();
  return column;
}

}  // namespace

TrainingRun::TrainingRun(NetworkState& network, const TrainingPlan& plan, ParameterUpdates& updates)
    : network_(network),
      plan_(plan),
      updates_(updates),
      arena_(plan.arena.floats),
      heads_(network.heads.size()),
      reached_nodes_(plan.nodes.size(), 0),
      active_columns_(Index(network.total_width()), 0) {
  for (const PlanNode& node : plan.nodes) BindNode(node);
  for (const PlanGroup& group : plan.groups) BindGroup(group);
  BindNormalization();
  CountScratch();
}

float* TrainingRun::Buffer(BufferId buffer) {
  return buffer == kNoBuffer ? nullptr : arena_.data() + plan_.arena.offsets[Index(buffer)];
}

const float* TrainingRun::GroupRows(const PlanGroup& group) {
  return Buffer(group.rows != kNoBuffer ? group.rows : group.input);
}

float* TrainingRun::Source(std::size_t index) { return Buffer(plan_.sources[index].buffer); }

void TrainingRun::BindNode(const PlanNode& plan_node) {
  const GraphLayer& layer = network_.layers[Index(plan_node.layer)];
  Node node;
  node.layer = &layer;
  node.mode = plan_node.mode;
  node.has_backward = plan_node.has_backward;
  node.name_hash = HashName(layer.name.data(), layer.name.data() + layer.name.size());
  for (const BufferId input : plan_node.inputs) node.inputs.push_back(Buffer(input));
  for (const BufferId grad_input : plan_node.grad_inputs) {
    node.grad_inputs.push_back(Buffer(grad_input));
  }
  for (const int parameter : layer.parameters) {
    node.parameters.push_back(network_.parameter_values(parameter));
    node.mutable_parameters.push_back(network_.parameter_values(parameter));
    node.grad_parameters.push_back(updates_.Gradient(parameter));
  }
  node.output = Buffer(plan_node.output);
  node.saved = Buffer(plan_node.saved);
  node.grad_output = Buffer(plan_node.grad_output);
  nodes_.push_back(std::move(node));
}

void TrainingRun::BindGroup(const PlanGroup& plan_group) {
  std::vector<HeadRun> runs;
  std::int64_t column = 0;  // in the group
  for (const int index : plan_group.group.heads) {
    const GraphHead& graph_head = network_.heads[Index(index)];
    Head& head = heads_[Index(index)];
    head.logits = Buffer(plan_group.logits) + column;
    if (plan_group.grad_logits != kNoBuffer) {
      head.grad_logits = Buffer(plan_group.grad_logits) + column;
    }
    head.stride = plan_group.group.width;
    head.producer = plan_group.producer;
    head.first_column = FirstColumn(network_, index);

    const GraphLayer& output = network_.layers[Index(graph_head.output)];
    float* const grad_weights = updates_.Gradient(output.parameters[0]);
    float* const grad_biases = updates_.Gradient(output.parameters[1]);
    if (grad_weights != nullptr) {
      HeadRun* const last = runs.empty() ? nullptr : &runs.back();
      if (last != nullptr && last->first_column + last->columns == column &&
          last->grad_weights + last->columns * plan_group.input_floats == grad_weights &&
          last->grad_biases + last->columns == grad_biases) {
        last->columns += graph_head.width();
      } else {
        runs.push_back({column, graph_head.width(), grad_weights, grad_biases});
      }
    }
    column += graph_head.width();
  }
  head_runs_.push_back(std::move(runs));
}

void TrainingRun::BindNormalization() {
  if (!network_.normalization) return;
  // Each holds one entry for all channels, or one a channel.
  const std::vector<double>& mean = network_.normalization->mean;
  const std::vector<double>& std = network_.normalization->std;
  const std::size_t channels = Index(network_.input[0]);
  for (std::size_t i = 0; i < channels; ++i) {
    channel_mean_.push_back(static_cast<float>(mean.size() == 1 ? mean[0] : mean[i]));
    channel_scale_.push_back(static_cast<float>(1.0 / (std.size() == 1 ? std[0] : std[i])));
  }
}

void TrainingRun::CountScratch() {
  for (const PlanNode& node : plan_.nodes) {
    const GraphLayer& layer = network_.layers[Index(node.layer)];
    scratch_floats_ =
        std::max(scratch_floats_, layer.layer->ScratchFloats(plan_.max_batch, layer.input_shapes));
  }
  for (const PlanGroup& group : plan_.groups) {
    const std::int64_t width = group.group.width;
    scratch_floats_ =
        std::max({scratch_floats_, ParallelMatmulScratchFloats(group.input_floats, width),
                  ParallelMatmulScratchFloats(plan_.max_batch, group.input_floats),
                  ParallelMatmulScratchFloats(width, group.input_floats)});
  }
}

void TrainingRun::SetInput(std::int64_t batch, const float* inputs, Workspace& workspace) {
  if (plan_.sources.empty() || plan_.sources.back().layer != kNetworkInput) return;
  float* const source = Source(plan_.sources.size() - 1);
  if (channel_mean_.empty()) {
    MoveInside(network_.input, batch, inputs, source, workspace);
    return;
  }
  const ImageLayout layout = LayoutOf(network_.input);
  ForPositions(workspace, layout, batch,
               [&](std::int64_t offset, std::int64_t first, std::int64_t last) {
                 NormalizeToChannelsLast(layout, first, last, channel_mean_.data(),
                                         channel_scale_.data(), inputs + offset, source + offset);
               });
}

void TrainingRun::Forward(const StepPosition& position, Workspace& workspace) {
  for (Node& node : nodes_) {
    node.layer->layer->Forward({.batch = position.batch,
                                .mode = node.mode,
                                .input_shapes = node.layer->input_shapes,
                                .output_shape = node.layer->output_shape,
                                .inputs = node.inputs,
                                .parameters = node.parameters,
                                .output = node.output,
                                .saved = node.saved,
                                .random = {.seed = position.seed,
                                           .purpose = RandomPurpose::kDropout,
                                           .index = static_cast<std::uint32_t>(position.step),
                                           .subindex = node.name_hash},
                                .workspace = &workspace});
  }
  for (const PlanGroup& group : plan_.groups) {
    const float* const weights = network_.values.data() + group.group.first_weight;
    if (group.rows != kNoBuffer) {
      MoveOutside(group.input_shape, position.batch, Buffer(group.input), Buffer(group.rows),
                  workspace);
    }
    const auto inputs = MatrixRef::RowMajor(GroupRows(group), position.batch, group.input_floats);
    ParallelMatmul(inputs,
                   MatrixRef::RowMajor(weights, group.group.width, group.input_floats).Transposed(),
                   Buffer(group.logits), group.group.width,
                   {.column_bias = network_.values.data() + group.group.first_bias}, workspace);
  }
}

void TrainingRun::ComputeLosses(std::int64_t batch, std::span<const TaskTargets> targets,
                                std::span<TaskLoss> tasks) {
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const GraphHead& graph_head = network_.heads[i];
    const Head& head = heads_[i];
    const std::span<std::uint8_t> active(active_columns_.data() + head.first_column,
                                         Index(graph_head.width()));
    std::fill(active.begin(), active.end(), std::uint8_t{0});
    const LossResult result = ComputeLoss(graph_head.task, targets[i],
                                          {.batch = batch,
                                           .width = graph_head.width(),
                                           .logits = head.logits,
                                           .stride = head.stride,
                                           .grad_logits = head.grad_logits,
                                           .active = active});
    tasks[i] = {result.loss, result.labelled};
    if (graph_head.task.kind == TaskKind::kClasses) {
      std::fill(active.begin(), active.end(), static_cast<std::uint8_t>(result.labelled > 0));
    }
  }
  MarkReachedNodes();
}

void TrainingRun::MarkReachedNodes() {
  std::fill(reached_nodes_.begin(), reached_nodes_.end(), char{0});
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    if (heads_[i].producer < 0) continue;
    const auto first = active_columns_.begin() + heads_[i].first_column;
    if (std::count(first, first + network_.heads[i].width(), std::uint8_t{1}) > 0) {
      reached_nodes_[Index(heads_[i].producer)] = 1;
    }
  }
  for (std::size_t i = plan_.nodes.size(); i-- > 0;) {
    if (!reached_nodes_[i]) continue;
    for (const int producer : plan_.nodes[i].producers) {
      if (producer >= 0) reached_nodes_[Index(producer)] = 1;
    }
  }
}

void TrainingRun::Backward(std::int64_t batch, Workspace& workspace) {
  for (std::size_t i = 0; i < plan_.groups.size(); ++i) GroupBackward(i, batch, workspace);
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    if (!node.has_backward) continue;
    node.layer->layer->Backward({.batch = batch,
                                 .mode = node.mode,
                                 .input_shapes = node.layer->input_shapes,
                                 .output_shape = node.layer->output_shape,
                                 .inputs = node.inputs,
                                 .parameters = node.parameters,
                                 .output = node.output,
                                 .grad_output = node.grad_output,
                                 .saved = node.saved,
                                 .grad_inputs = node.grad_inputs,
                                 .grad_parameters = node.grad_parameters,
                                 .workspace = &workspace});
    AddGradients(plan_.nodes[i].additions, batch, workspace);
  }
}

void TrainingRun::GroupBackward(std::size_t index, std::int64_t batch, Workspace& workspace) {
  const PlanGroup& group = plan_.groups[index];
  if (group.grad_logits == kNoBuffer) return;
  const std::int64_t width = group.group.width;
  const float* const grad_logits = Buffer(group.grad_logits);
  const auto inputs = MatrixRef::RowMajor(GroupRows(group), batch, group.input_floats);
  for (const HeadRun& run : head_runs_[index]) {
    const MatrixRef grads{grad_logits + run.first_column, batch, run.columns, width, 1};
    ParallelMatmul(grads.Transposed(), inputs, run.grad_weights, group.input_floats, {}, workspace);
    ColumnSums(grad_logits + run.first_column, batch, run.columns, width, run.grad_biases);
  }
  if (group.grad_input == kNoBuffer) return;
  // The rows have been read: their place takes the gradient in the weights' order.
  float* const grad_rows = Buffer(group.rows != kNoBuffer ? group.rows : group.grad_input);
  const float* const weights = network_.values.data() + group.group.first_weight;
  ParallelMatmul(MatrixRef::RowMajor(grad_logits, batch, width),
                 MatrixRef::RowMajor(weights, width, group.input_floats), grad_rows,
                 group.input_floats, {}, workspace);
  if (group.rows != kNoBuffer) {
    MoveInside(group.input_shape, batch, grad_rows, Buffer(group.grad_input), workspace);
  }
  AddGradients(group.additions, batch, workspace);
}

void TrainingRun::AddGradients(const std::vector<GradientAddition>& additions, std::int64_t batch,
                               Workspace& workspace) {
  for (const GradientAddition& addition : additions) {
    const float* const from = Buffer(addition.from);
    float* const to = Buffer(addition.to);
    const std::int64_t floats = batch * addition.floats;
    const std::int64_t chunks = (floats + kAdditionChunkFloats - 1) / kAdditionChunkFloats;
    workspace.ParallelFor(chunks, [&](std::int64_t chunk, std::span<float>) {
      const std::int64_t first = chunk * kAdditionChunkFloats;
      AddArrays(to + first, from + first, std::min(kAdditionChunkFloats, floats - first),
                to + first);
    });
  }
}

void TrainingRun::UpdateBuffers(std::int64_t batch) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    if (node.mode != Mode::kTraining || !reached_nodes_[i]) continue;
    node.layer->layer->UpdateBuffers(batch, node.layer->input_shapes, node.saved,
                                     node.mutable_parameters);
  }
}

}  // namespace espalier
