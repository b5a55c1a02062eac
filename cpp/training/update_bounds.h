// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells beforehand, from bounds alone, that an update leaves every parameter and all state finite.
// No array is read for it: the bounds move with the rate and the norm of the gradients. They are
// generous, but far from float's greatest wherever training makes sense; where they are not,
// ParameterUpdates measures anew, and else looks at what the update has made.

#include <memory>

#include "espalier/optimizer.h"
#include "kernels/optimizers/update_rule.h"

namespace espalier {

class UpdateBounds {
 public:
  explicit UpdateBounds(const OptimizerConfig& optimizer);

  void Set(const UpdateMost& most) { most_ = most; }
  const UpdateMost& most() const { return most_; }

  /// Accounts for an update with gradients of at most `gradient` after clipping and before decay,
  /// at a learning rate of at most `rate`. False, with the bounds as they were, unless all that it
  /// makes is surely finite.
  bool Advance(double gradient, double rate);

 private:
  std::shared_ptr<const UpdateRule> rule_;
  double weight_decay_;
  UpdateMost most_;
};

}  // namespace espalier
