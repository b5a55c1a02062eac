// SPDX-License-Identifier: Apache-2.0
#include "training/head_group_run.h"

#include <algorithm>
#include <limits>

#include "core/checked.h"
#include "core/fast_paths.h"
#include "kernels/matmul/labelled_product.h"
#include "kernels/matmul/matmul.h"
#include "kernels/reductions/reduction.h"
#include "layers/layout.h"
#include "losses/loss.h"
#include "training/labelled_counts.h"

namespace espalier {
namespace {

// Below these a group's products cost less than a list of its entries.
constexpr std::int64_t kLeastListedColumns = 64;
constexpr std::int64_t kLeastListedFloats = 32;

// One entry in so many is labelled at most where the list is used: measured with
// bench/native/label_sparsity_benchmark.cc.
constexpr std::int64_t kListedShare = 4;

// Floats of a task's rows or columns: by problem size, never by threads.
constexpr std::int64_t kTaskFloats = 16384;

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t MostListed(std::int64_t batch, std::int64_t width) {
  return batch * width / kListedShare;
}

// body(first, last) over [0, count), a few of `item_floats` floats at a time.
template <typename Body>
void ForItems(Workspace& workspace, std::int64_t count, std::int64_t item_floats, Body body) {
  const std::int64_t run = std::max<std::int64_t>(1, kTaskFloats / item_floats);
  workspace.ParallelFor((count + run - 1) / run, [&](std::int64_t task, std::span<float>) {
    body(task * run, std::min(count, (task + 1) * run));
  });
}

}  // namespace

HeadGroupRun::HeadGroupRun(const NetworkState& network, const PlanGroup& group,
                           std::int64_t max_batch, const HeadGroupBuffers& buffers,
                           ParameterUpdates& updates, std::span<OwnLoss> own_losses)
    : network_(network),
      group_(group),
      buffers_(buffers),
      max_batch_(max_batch),
      own_losses_(own_losses) {
  Bind(updates);
  // An own loss reads logits in rows.
  const bool has_own_loss = std::any_of(heads_.begin(), heads_.end(),
                                        [](const Head& head) { return head.own_loss >= 0; });
  const std::int64_t width = group.group.width;
  const std::int64_t entries = CheckedMultiply(max_batch, width);
  if (has_own_loss || width < kLeastListedColumns || group.input_floats < kLeastListedFloats ||
      entries > std::numeric_limits<std::int32_t>::max()) {
    return;
  }
  std::vector<HeadColumns> columns;
  for (const Head& head : heads_) {
    columns.push_back(
        {.first = head.column,
         .width = head.width,
         .is_classes = network.heads[Index(head.index)].task.kind == TaskKind::kClasses});
  }
  const std::int64_t most = MostListed(max_batch, width);
  entries_.emplace(std::move(columns), max_batch, most);
  column_grads_ = AlignedArray<float>(most);
  column_sums_.resize(Index(width));
}

void HeadGroupRun::Bind(ParameterUpdates& updates) {
  std::int64_t column = 0;  // in the group
  for (const int index : group_.group.heads) {
    const GraphHead& graph_head = network_.heads[Index(index)];
    std::int64_t active_column = 0;
    std::int64_t first_target = 0;
    for (int i = 0; i < index; ++i) {
      active_column += network_.heads[Index(i)].width();
      first_target += TargetsOf(network_.heads[Index(i)]);
    }
    const auto own_loss =
        std::find_if(own_losses_.begin(), own_losses_.end(),
                     [&](const OwnLoss& loss) { return loss.name() == graph_head.name; });
    heads_.push_back({.index = index,
                      .column = column,
                      .width = graph_head.width(),
                      .active_column = active_column,
                      .first_target = first_target,
                      .targets = TargetsOf(graph_head),
                      .own_loss = own_loss == own_losses_.end()
                                      ? -1
                                      : static_cast<int>(own_loss - own_losses_.begin())});
    targets_.push_back(nullptr);

    const GraphLayer& output = network_.layers[Index(graph_head.output)];
    float* const grad_weights = updates.Gradient(output.parameters[0]);
    float* const grad_biases = updates.Gradient(output.parameters[1]);
    if (grad_weights != nullptr) {
      Trainable* const last = trainable_.empty() ? nullptr : &trainable_.back();
      if (last != nullptr && last->first_column + last->columns == column &&
          last->grad_weights + last->columns * group_.input_floats == grad_weights &&
          last->grad_biases + last->columns == grad_biases) {
        last->columns += graph_head.width();
      } else {
        trainable_.push_back({column, graph_head.width(), grad_weights, grad_biases});
      }
    }
    column += graph_head.width();
  }
}

std::int64_t HeadGroupRun::ScratchFloats() const {
  const std::int64_t width = group_.group.width;
  return std::max({ParallelMatmulScratchFloats(group_.input_floats, width),
                   ParallelMatmulScratchFloats(max_batch_, group_.input_floats),
                   ParallelMatmulScratchFloats(width, group_.input_floats)});
}

bool HeadGroupRun::ListEntries(std::int64_t batch, std::span<const TaskTargets> targets) {
  if (!entries_) return false;
  for (std::size_t i = 0; i < heads_.size(); ++i) targets_[i] = &targets[Index(heads_[i].index)];
  return entries_->List(batch, targets_, MostListed(batch, group_.group.width)) &&
         Takes(FastPath::kLabelledProducts);
}

void HeadGroupRun::Forward(std::int64_t batch, std::span<const TaskTargets> targets,
                           Workspace& workspace) {
  const std::int64_t floats = group_.input_floats;
  is_listed_ = ListEntries(batch, targets);
  if (buffers_.rows != nullptr) {
    ToChannelsFirst(group_.input_value.shape, batch, buffers_.input, buffers_.rows, workspace);
  }
  if (!is_listed_) {
    const std::int64_t width = group_.group.width;
    ParallelMatmul(MatrixRef::RowMajor(rows(), batch, floats),
                   MatrixRef::RowMajor(weights(), width, floats).Transposed(), buffers_.logits,
                   width, {.column_bias = biases()}, workspace);
    return;
  }
  ForItems(workspace, batch, floats, [&](std::int64_t first, std::int64_t last) {
    LabelledProducts({.x = rows() + first * floats,
                      .count = last - first,
                      .begins = entries_->RowBegins(first),
                      .begins_stride = entries_->row_stride(),
                      .columns = entries_->columns()},
                     weights(), biases(), floats, buffers_.logits);
  });
}

void HeadGroupRun::ComputeLosses(std::int64_t batch, std::span<const TaskTargets> targets,
                                 std::span<TaskLoss> tasks, std::span<std::uint8_t> active_columns,
                                 const BatchTotals* whole) {
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const Head& head = heads_[i];
    const TaskSpec& task = network_.heads[Index(head.index)].task;
    const std::span<std::uint8_t> active =
        active_columns.subspan(Index(head.active_column), Index(head.width));
    std::optional<LossTotals> totals;
    if (whole != nullptr) {
      totals = {.examples = whole->examples,
                .labelled = whole->labelled.subspan(Index(head.first_target), Index(head.targets))};
    }
    LossResult result;
    if (head.own_loss >= 0) {
      result.labelled = own_losses_[Index(head.own_loss)].Read(batch, targets[Index(head.index)],
                                                               buffers_.logits + head.column,
                                                               group_.group.width, active);
    } else if (is_listed_) {
      result = ComputeListedLoss(task, targets[Index(head.index)],
                                 {.batch = batch,
                                  .entries = &*entries_,
                                  .head = static_cast<std::int64_t>(i),
                                  .logits = buffers_.logits,
                                  .grad_logits = buffers_.grad_logits,
                                  .column_sums = std::span(column_sums_).first(Index(head.width)),
                                  .active = active,
                                  .totals = totals ? &*totals : nullptr});
    } else {
      float* const grad_logits = buffers_.grad_logits;
      result =
          ComputeLoss(task, targets[Index(head.index)],
                      {.batch = batch,
                       .width = head.width,
                       .logits = buffers_.logits + head.column,
                       .stride = group_.group.width,
                       .grad_logits = grad_logits == nullptr ? nullptr : grad_logits + head.column,
                       .active = active,
                       .totals = totals ? &*totals : nullptr});
    }
    tasks[Index(head.index)] = {result.loss, result.labelled};
  }
}

void HeadGroupRun::AcceptLosses(std::span<const LossAnswer> answers, std::span<TaskLoss> tasks) {
  for (const Head& head : heads_) {
    if (head.own_loss < 0) continue;
    float* const grad_logits = buffers_.grad_logits;
    tasks[Index(head.index)].loss = own_losses_[Index(head.own_loss)].Accept(
        answers[Index(head.own_loss)], grad_logits == nullptr ? nullptr : grad_logits + head.column,
        group_.group.width);
  }
}

void HeadGroupRun::ScaleGradients(std::int64_t batch, std::span<const TaskLoss> tasks) {
  if (buffers_.grad_logits == nullptr) return;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const Head& head = heads_[i];
    const auto factor = static_cast<float>(tasks[Index(head.index)].factor);
    if (factor == 1.0f) continue;
    for (std::int64_t row = 0; row < batch; ++row) {
      // A listed group's lie by entry, those of a row and head side by side.
      const EntryRange listed =
          is_listed_ ? entries_->RowOfHead(row, static_cast<std::int64_t>(i)) : EntryRange{};
      float* const grads = buffers_.grad_logits +
                           (is_listed_ ? listed.begin : row * group_.group.width + head.column);
      const std::int64_t count = is_listed_ ? listed.size() : head.width;
      for (std::int64_t j = 0; j < count; ++j) grads[j] *= factor;
    }
  }
}

bool HeadGroupRun::IsReached(std::span<const std::uint8_t> active_columns) const {
  return std::any_of(heads_.begin(), heads_.end(), [&](const Head& head) {
    const auto columns = active_columns.subspan(Index(head.active_column), Index(head.width));
    return std::find(columns.begin(), columns.end(), std::uint8_t{1}) != columns.end();
  });
}

int HeadGroupRun::CountOf(std::span<const char> heads) const {
  return static_cast<int>(std::count_if(heads_.begin(), heads_.end(), [&](const Head& head) {
    return heads[Index(head.index)] != 0;
  }));
}

void HeadGroupRun::Backward(std::int64_t batch, Workspace& workspace) {
  if (buffers_.grad_logits == nullptr) return;
  if (is_listed_) {
    BackwardOfListed(batch, workspace);
  } else {
    BackwardOfAll(batch, workspace);
  }
  if (buffers_.rows != nullptr && buffers_.grad_input != nullptr) {
    ToChannelsLast(group_.input_value.shape, batch, buffers_.rows, buffers_.grad_input, workspace);
  }
}

void HeadGroupRun::BackwardOfAll(std::int64_t batch, Workspace& workspace) {
  const std::int64_t width = group_.group.width;
  const std::int64_t floats = group_.input_floats;
  const float* const grad_logits = buffers_.grad_logits;
  const auto inputs = MatrixRef::RowMajor(rows(), batch, floats);
  for (const Trainable& part : trainable_) {
    const MatrixRef grads{grad_logits + part.first_column, batch, part.columns, width, 1};
    ParallelMatmul(grads.Transposed(), inputs, part.grad_weights, floats, {}, workspace);
    ColumnSums(grad_logits + part.first_column, batch, part.columns, width, part.grad_biases);
  }
  if (buffers_.grad_input == nullptr) return;
  ParallelMatmul(MatrixRef::RowMajor(grad_logits, batch, width),
                 MatrixRef::RowMajor(weights(), width, floats), grad_rows(), floats, {}, workspace);
}

void HeadGroupRun::BackwardOfListed(std::int64_t batch, Workspace& workspace) {
  const std::int64_t floats = group_.input_floats;
  const float* const grads = buffers_.grad_logits;  // by entry
  for (const Trainable& part : trainable_) {
    ForItems(workspace, part.columns, floats, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t j = first; j < last; ++j) {
        const EntryRange range = entries_->Column(part.first_column + j);
        float sum = 0.0f;
        for (std::int32_t place = range.begin; place < range.end; ++place) {
          const float grad = grads[entries_->entries()[place]];
          column_grads_[place] = grad;
          sum += grad;
        }
        part.grad_biases[j] = sum;
        CombineRows(rows(), floats, entries_->rows() + range.begin,
                    column_grads_.data() + range.begin, range.size(),
                    part.grad_weights + j * floats);
      }
    });
  }
  if (buffers_.grad_input == nullptr) return;
  ForItems(workspace, batch, floats, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      const EntryRange range = entries_->Row(row);
      CombineRows(weights(), floats, entries_->columns() + range.begin, grads + range.begin,
                  range.size(), grad_rows() + row * floats);
    }
  });
}

std::int64_t HeadGroupRun::NativeBytes() const {
  return column_grads_.bytes() + (entries_ ? entries_->NativeBytes() : 0);
}

}  // namespace espalier
