// SPDX-License-Identifier: Apache-2.0
#pragma once

// What trainers that compute shards of one batch exchange, as one array of floats
// (Trainer::ComputeGradients): gradients, running statistics, losses.

#include <cstdint>
#include <span>
#include <vector>

#include "espalier/trainer.h"
#include "network/network_state.h"
#include "training/parameter_updates.h"
#include "training/training_plan.h"
#include "training/training_run.h"

namespace espalier {

class ShardGradients {
 public:
  /// `updates` holds the gradients. All these arguments must outlive it.
  ShardGradients(NetworkState& network, const TrainingPlan& plan, ParameterUpdates& updates,
                 TrainingRun& run);

  std::int64_t floats() const { return floats_; }

  /// After a shard's losses and, if any entry is labelled, its backward pass: everything of the
  /// shard. `share`: of the batch's examples that are the shard's.
  void Write(std::int64_t batch, bool has_gradients, double share, std::span<const TaskLoss> tasks,
             std::span<float> to);

  /// Puts the gradients of all shards where backward passes leave them.
  void ReadGradients(std::span<const float> from);

  /// Losses of the heads.
  void ReadLosses(std::span<const float> from, std::span<TaskLoss> tasks) const;

  /// The first layer that the labelled entries reach and whose statistics are not finite, or null.
  const GraphLayer* FirstNonFiniteStatistics(std::span<const float> from) const;

  /// Takes over the statistics of the layers that the labelled entries reach.
  void ReadStatistics(std::span<const float> from);

 private:
  // Of a parameter.
  struct Gradient {
    std::int64_t first = 0;  // in ParameterUpdates::gradients
    std::int64_t floats = 0;
    std::int64_t place = 0;  // in what is exchanged
  };
  // A parameter that holds running statistics.
  struct Statistics {
    std::size_t node = 0;
    int layer = 0;
    float* values = nullptr;
    std::int64_t floats = 0;
  };

  void WriteGradients(std::span<float> to);
  void WriteStatistics(std::int64_t batch, double share, std::span<float> to);
  bool IsReached(const Statistics& statistics) const {
    return run_.reached().nodes[statistics.node] != 0;
  }

  const NetworkState& network_;
  ParameterUpdates& updates_;
  TrainingRun& run_;
  std::vector<Gradient> gradients_;  // by `first`
  std::vector<Statistics> statistics_;
  std::int64_t first_statistic_ = 0;
  std::int64_t first_loss_ = 0;
  std::int64_t floats_ = 0;
  std::vector<GradientRun> runs_;
  std::vector<float> kept_;  // statistics, while a shard's are found
};

}  // namespace espalier
