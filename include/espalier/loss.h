// SPDX-License-Identifier: Apache-2.0
#pragma once

// A loss of the caller's own, for a head of any kind.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace espalier {

/// What a loss is computed from: one head's logits for a batch, and what is known of the answers.
///
/// Shapes: logits [examples, width]. Heads of labels and values have targets and mask of the same
/// shape; heads of classes have classes and mask [examples], where a class is one of `width`.
/// The mask is 1 where the answer is known and 0 where not. There a target is NaN and a class -1,
/// and the logits, for a class its whole row, are NaN too: what a network says where nothing is
/// known can have no effect. Checked: labels are in [0, 1], classes in [0, width), values finite.
/// All memory is borrowed for the call.
struct LossBatch {
  std::int64_t examples = 0;
  std::int64_t width = 0;
  std::span<const float> logits = {};
  std::span<const float> targets = {};
  std::span<const std::int32_t> classes = {};
  std::span<const std::uint8_t> mask = {};
};

/// What a loss has made of a LossBatch.
struct LossAnswer {
  double sum = 0.0;
  std::span<const float> gradients = {};  ///< [examples, width]
};

/// A loss L in place of that of a head's task (TrainerConfig::losses).
///
/// With S = Σi Σj L(z_ij, y_ij) over the known entries j of each example i (of a head of classes:
/// over the examples whose class is known), the head's share of the cost is
///
///   J = weight/m · S,   m examples in the batch, known or not,
///
/// or weight/n · S, n known entries, where the task normalizes by these. Weight and division are
/// the trainer's: a loss computes S and dL/dz alone. Normalization per label needs sums by label
/// and is refused. The task's own settings (positive or class weights, smoothing, gamma, alpha,
/// delta) have no effect.
///
/// An example's loss and gradients depend on that example alone: the same in any batch.
/// cpp/testing/loss_check.h holds a loss to this and to its differences.
class Loss {
 public:
  virtual ~Loss() = default;

  /// Returns S and writes gradients[i·width + j] = dL/dz_ij, [examples, width], all zero at
  /// first: those of unknown entries must stay exactly 0. Called with at least one known entry,
  /// on the thread that trains or evaluates; a loss given to several must bear them at once.
  /// It may throw: the step is then as if it had not been.
  virtual double Compute(const LossBatch& batch, std::span<float> gradients) const = 0;
};

/// By name of the head.
using Losses = std::map<std::string, std::shared_ptr<const Loss>>;

}  // namespace espalier
