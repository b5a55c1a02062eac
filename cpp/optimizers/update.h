// SPDX-License-Identifier: Apache-2.0
#pragma once

// One optimizer step on a run of parameters.

#include <memory>

#include "espalier/optimizer.h"
#include "kernels/optimizers/update_rule.h"

namespace espalier {

double LearningRate(const OptimizerConfig& config);
double WeightDecay(const OptimizerConfig& config);
std::shared_ptr<const UpdateRule> RuleOf(const OptimizerConfig& config);

/// Throws Error: INVALID_ARGUMENT if a setting is out of range.
void CheckOptimizer(const OptimizerConfig& config);

/// A step with its terms worked out, for any number of runs that share them. Single-threaded; the
/// caller shares runs among workers. The rule must outlive it.
class PreparedUpdate {
 public:
  PreparedUpdate(const UpdateRule& rule, const UpdateStep& step)
      : rule_(rule), terms_(rule.Prepare(step)) {}

  void Run(const UpdateArrays& arrays) const;

 private:
  const UpdateRule& rule_;
  UpdateTerms terms_;
};

}  // namespace espalier
