// SPDX-License-Identifier: Apache-2.0
#pragma once

// Weighs the tasks of a step against each other (espalier/balance.h has the rules; what PCGrad does
// to gradients is in gradient_projection.h). A step: Weigh, and, once nothing can fail any more,
// Follow and where LooksAgain FollowAgain. Until then nothing is remembered, so that a step that
// fails leaves nothing behind.

#include <cstdint>
#include <span>
#include <vector>

#include "espalier/balance.h"
#include "espalier/trainer.h"
#include "network/network_state.h"
#include "training/trainer_state.h"

namespace espalier {

/// Throws INVALID_ARGUMENT for a setting out of its range.
void CheckBalance(const BalanceConfig& config);

class TaskBalance {
 public:
  /// The network must outlive it.
  TaskBalance(const NetworkState& network, const BalanceConfig& config);

  /// False: all factors are 1.
  bool IsPlain() const { return std::holds_alternative<PlainWeights>(config_); }

  /// True if it wants to see the losses once more after the update.
  bool LooksAgain() const { return std::holds_alternative<FamoWeights>(config_); }

  /// True if it wants the gradients of each task by itself; all factors are 1 until Weigh's caller
  /// knows them.
  bool Projects() const { return std::holds_alternative<ProjectedGradients>(config_); }

  /// Sets the factors of `tasks`, the heads' losses for a batch; `columns`: those of all heads side
  /// by side that a labelled entry reaches.
  void Weigh(std::int64_t batch, std::span<const std::uint8_t> columns, std::span<TaskLoss> tasks);

  /// Learns from the losses that Weigh saw.
  void Follow();

  /// Learns from the losses of the same batch after the update.
  void FollowAgain(std::int64_t batch, std::span<const std::uint8_t> columns,
                   std::span<const TaskLoss> tasks);

  /// True if both learn the same.
  bool IsLike(const TaskBalance& other) const { return config_.index() == other.config_.index(); }
  /// Takes over what was learned.
  void ContinueFrom(const TaskBalance& earlier);

  /// All that is remembered.
  void AddStateTo(std::vector<StateTensor>& tensors);

 private:
  // Of a task: w and l of the header; w is 0 where it takes no part.
  struct Part {
    double weight = 0.0;
    double loss = 0.0;
  };

  bool Learns() const { return !values_.empty(); }
  Part PartOf(std::size_t head, std::int64_t batch, std::span<const std::uint8_t> columns,
              const TaskLoss& task) const;
  void Learn(std::size_t head, double gradient, double learning_rate);
  template <typename Score>
  void SetSoftmax(const Score& score);

  const NetworkState& network_;
  BalanceConfig config_;

  // Of the step, by head.
  std::vector<Part> parts_;
  std::vector<double> softmax_;
  std::vector<double> fall_;  // of the logarithm of the loss

  // Learned, by head, with Adam's moments and counts; empty where the rule learns nothing.
  std::vector<float> values_;
  std::vector<float> means_;
  std::vector<float> squares_;
  std::vector<std::int64_t> updates_;
};

}  // namespace espalier
