// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells beforehand, from bounds alone, that an update leaves every parameter and moment finite. No
// array is read for it: the bounds move with the rate and the norm of the gradients. They are
// generous, but far from float's greatest wherever training makes sense; where they are not,
// ParameterUpdates measures anew, and else looks at what the update has made.

#include "espalier/optimizer.h"

namespace espalier {

class UpdateBounds {
 public:
  explicit UpdateBounds(const OptimizerConfig& optimizer) : optimizer_(optimizer) {}

  /// What no parameter and no moment exceeds, whatever its sign.
  struct Most {
    double value = 0.0;
    double moment1 = 0.0;
    double moment2 = 0.0;
  };
  void Set(const Most& most) { most_ = most; }
  const Most& most() const { return most_; }

  /// Accounts for an update with gradients of at most `gradient` after clipping and before decay,
  /// at a learning rate of at most `rate`. False, with the bounds as they were, unless all that it
  /// makes is surely finite.
  bool Advance(double gradient, double rate);

 private:
  OptimizerConfig optimizer_;
  Most most_;
};

}  // namespace espalier
