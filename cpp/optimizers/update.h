// SPDX-License-Identifier: Apache-2.0
#pragma once

// One optimizer step on a run of parameters.

#include <cstdint>
#include <span>
#include <variant>

#include "espalier/optimizer.h"
#include "kernels/training/optimizer_update.h"

namespace espalier {

/// Parameters that share a step count, a rate and a decay.
struct UpdateSegment {
  float* values = nullptr;
  const float* gradients = nullptr;
  float* moment1 = nullptr;  // momentum; Adam's m; RMSProp's square average
  float* moment2 = nullptr;  // Adam's v; RMSProp's momentum
  std::int64_t count = 0;
  std::int64_t step = 1;        // of this unit, from 1, this update included
  double learning_rate = 0.0;   // schedule, layer and scale applied
  double weight_decay = 0.0;    // 0 where decay does not apply
  float gradient_scale = 1.0f;  // clipping by norm
  float clip_value = 0.0f;      // > 0: gradients to [-v, v] (before gradient_scale)
};

/// Moments per parameter that the optimizer keeps: 0, 1 or 2.
int MomentCount(const OptimizerConfig& config);
double LearningRate(const OptimizerConfig& config);
double WeightDecay(const OptimizerConfig& config);

/// True if moments hold squares of gradients.
bool KeepsSquares(const OptimizerConfig& config);

/// Throws Error: INVALID_ARGUMENT if a setting is out of range.
void CheckOptimizer(const OptimizerConfig& config);

/// A step with its terms worked out, for any number of runs that share them. Single-threaded; the
/// caller shares runs among workers.
class PreparedUpdate {
 public:
  /// `segment` says what runs share: all but where they lie and their length.
  PreparedUpdate(const OptimizerConfig& config, const UpdateSegment& segment);

  void Run(const UpdateArrays& arrays) const;

 private:
  GradientTerms gradient_;
  std::variant<SgdTerms, AdamTerms, RmsPropTerms> terms_;
};

void UpdateParameters(const OptimizerConfig& config, const UpdateSegment& segment);

}  // namespace espalier
