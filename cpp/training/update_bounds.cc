// SPDX-License-Identifier: Apache-2.0
#include "training/update_bounds.h"

#include <algorithm>

#include "optimizers/update.h"

namespace espalier {
namespace {

constexpr double kMostSquared = 3e18;

// More than the roundings of one update.
constexpr double kRounding = 1.0 + 1e-6;

}  // namespace

UpdateBounds::UpdateBounds(const OptimizerConfig& optimizer)
    : rule_(RuleOf(optimizer)), weight_decay_(WeightDecay(optimizer)) {}

bool UpdateBounds::Advance(double gradient, double rate) {
  constexpr double kMost = UpdateRule::kMostFinite;
  UpdateMost most = most_;
  const double decay = rule_->DecaysGradient() ? weight_decay_ : 0.0;
  const double decayed = (gradient + decay * most.value) * kRounding;
  if (!(decayed < (rule_->KeepsSquares() ? kMostSquared : kMost))) return false;
  rule_->Bound(decayed, rate, weight_decay_, most);
  most.value *= kRounding;
  for (double& state : most.state) state *= kRounding;
  // False for NaN.
  const bool is_finite =
      rate < kMost && most.value < kMost &&
      std::all_of(most.state.begin(), most.state.end(), [](double state) { return state < kMost; });
  if (!is_finite) return false;
  most_ = most;
  return true;
}

}  // namespace espalier
