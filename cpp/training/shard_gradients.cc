// SPDX-License-Identifier: Apache-2.0
#include "training/shard_gradients.h"

#include <algorithm>
#include <iterator>

#include "core/checked.h"
#include "kernels/reductions/reduction.h"

namespace espalier {
namespace {

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

ShardGradients::ShardGradients(NetworkState& network, const TrainingPlan& plan,
                               ParameterUpdates& updates, TrainingRun& run)
    : network_(network), updates_(updates), run_(run) {
  const auto floats_of = [&](int parameter) {
    return network.parameters[Index(parameter)].shape.element_count();
  };
  for (int i = 0; i < static_cast<int>(network.parameters.size()); ++i) {
    float* const gradient = updates.Gradient(i);
    if (gradient == nullptr) continue;
    gradients_.push_back(
        {.first = gradient - updates.gradients().data(), .floats = floats_of(i), .place = floats_});
    floats_ = CheckedAdd(floats_, floats_of(i));
  }
  std::ranges::sort(gradients_, {}, &Gradient::first);
  first_statistic_ = floats_;
  for (std::size_t node = 0; node < plan.nodes.size(); ++node) {
    if (plan.nodes[node].use.mode != Mode::kTraining) continue;
    for (const int parameter : network.layers[Index(plan.nodes[node].layer)].parameters) {
      if (network.parameters[Index(parameter)].role != ParameterRole::kBuffer) continue;
      statistics_.push_back({.node = node,
                             .layer = plan.nodes[node].layer,
                             .values = network.parameter_values(parameter),
                             .floats = floats_of(parameter)});
      floats_ = CheckedAdd(floats_, floats_of(parameter));
    }
  }
  kept_.resize(Index(floats_ - first_statistic_));
  first_loss_ = floats_;
  floats_ = CheckedAdd(floats_, static_cast<std::int64_t>(network.heads.size()));
  runs_.reserve(updates.MostRuns());
}

void ShardGradients::Write(std::int64_t batch, bool has_gradients, double share,
                           std::span<const TaskLoss> tasks, std::span<float> to) {
  std::fill_n(to.begin(), first_statistic_, 0.0f);
  if (has_gradients) WriteGradients(to);
  WriteStatistics(batch, share, to.subspan(Index(first_statistic_)));
  const auto losses = to.subspan(Index(first_loss_));
  for (std::size_t i = 0; i < tasks.size(); ++i) losses[i] = static_cast<float>(tasks[i].loss);
}

// Rows of a table that no id of the shard names have no gradient, whatever lies there.
void ShardGradients::WriteGradients(std::span<float> to) {
  updates_.ListRuns(runs_);
  const float* const stored = updates_.gradients().data();
  for (const GradientRun& run : runs_) {
    const auto after = std::ranges::upper_bound(gradients_, run.first, {}, &Gradient::first);
    const Gradient& gradient = *std::prev(after);
    std::copy_n(stored + run.first, run.floats,
                to.data() + gradient.place + run.first - gradient.first);
  }
}

// What the shard would make of them, whole; they stay as they are.
void ShardGradients::WriteStatistics(std::int64_t batch, double share, std::span<float> to) {
  std::int64_t first = 0;
  for (const Statistics& statistics : statistics_) {
    std::copy_n(statistics.values, statistics.floats, kept_.data() + first);
    first += statistics.floats;
  }
  run_.UpdateBuffers(batch);
  first = 0;
  for (const Statistics& statistics : statistics_) {
    for (std::int64_t i = 0; i < statistics.floats; ++i) {
      to[Index(first + i)] = static_cast<float>(share * static_cast<double>(statistics.values[i]));
    }
    std::copy_n(kept_.data() + first, statistics.floats, statistics.values);
    first += statistics.floats;
  }
}

void ShardGradients::ReadGradients(std::span<const float> from) {
  for (const Gradient& gradient : gradients_) {
    std::copy_n(from.data() + gradient.place, gradient.floats,
                updates_.gradients().data() + gradient.first);
  }
}

void ShardGradients::ReadLosses(std::span<const float> from, std::span<TaskLoss> tasks) const {
  from = from.subspan(Index(first_loss_));
  for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i].loss = static_cast<double>(from[i]);
}

const GraphLayer* ShardGradients::FirstNonFiniteStatistics(std::span<const float> from) const {
  from = from.subspan(Index(first_statistic_));
  for (const Statistics& statistics : statistics_) {
    if (IsReached(statistics) && !AllFinite(from.data(), statistics.floats)) {
      return &network_.layers[Index(statistics.layer)];
    }
    from = from.subspan(Index(statistics.floats));
  }
  return nullptr;
}

void ShardGradients::ReadStatistics(std::span<const float> from) {
  from = from.subspan(Index(first_statistic_));
  for (const Statistics& statistics : statistics_) {
    if (IsReached(statistics)) std::copy_n(from.begin(), statistics.floats, statistics.values);
    from = from.subspan(Index(statistics.floats));
  }
}

}  // namespace espalier
