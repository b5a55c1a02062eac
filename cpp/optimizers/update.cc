// SPDX-License-Identifier: Apache-2.0
#include "optimizers/update.h"

#include <cmath>

#include "core/cpu.h"
#include "core/text.h"

namespace espalier {
namespace {

void CheckNotNegative(const char* name, double value) {
  if (!(value >= 0.0 && std::isfinite(value))) {
    Fail(ErrorCode::kInvalidArgument, "optimizer ", name,
         ": expected a finite number of at least 0, got ", value);
  }
}

}  // namespace

double LearningRate(const OptimizerConfig& config) {
  return std::visit([](const auto& optimizer) { return optimizer.learning_rate; }, config);
}

double WeightDecay(const OptimizerConfig& config) {
  return std::visit([](const auto& optimizer) { return optimizer.weight_decay; }, config);
}

std::shared_ptr<const UpdateRule> RuleOf(const OptimizerConfig& config) {
  return std::visit([](const auto& optimizer) { return optimizer.Rule(); }, config);
}

void CheckOptimizer(const OptimizerConfig& config) {
  CheckNotNegative("learning_rate", LearningRate(config));
  CheckNotNegative("weight_decay", WeightDecay(config));
  RuleOf(config)->Check();
}

void PreparedUpdate::Run(const UpdateArrays& arrays) const {
  const FlushDenormals flush;
  rule_.Run(terms_, arrays);
}

}  // namespace espalier
