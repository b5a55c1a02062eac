// SPDX-License-Identifier: Apache-2.0
#include "training/update_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "optimizers/update.h"

namespace espalier {
namespace {

// Far below float's greatest, 3.4e38, so that no step within an update overflows.
constexpr double kMost = 1e37;
constexpr double kMostSquared = 3e18;

// More than the roundings of one update.
constexpr double kRounding = 1.0 + 1e-6;

// Each moves `most` as optimizers/update.h moves parameters and moments
// (kernels/training/optimizer_update.h has the formulas), with every sign as it is worst.

void Move(const Sgd& sgd, double gradient, double rate, UpdateBounds::Most& most) {
  double step = gradient;
  if (sgd.momentum != 0.0) {
    most.moment1 = sgd.momentum * most.moment1 + gradient;
    step = sgd.nesterov ? gradient + sgd.momentum * most.moment1 : most.moment1;
  }
  most.value += rate * step;
}

// The root of the least normal float, and then some: squares of less than this vanish.
constexpr double kVanishing = 1e-18;

// What a step of Adam is at most, before the rate. Of the moments' sums, Cauchy and Schwarz have
// |m| <= c·√v with c² = (1 - beta1)² / (1 - beta2) / (1 - beta1² / beta2), but for gradients whose
// squares vanish; twice that has room for all roundings.
template <typename Config>
double AdamStep(const Config& adam, double most_mean) {
  const double by_epsilon = most_mean / adam.epsilon;
  const double ratio = adam.beta1 * adam.beta1 / adam.beta2;
  if (!(ratio < 0.999)) return by_epsilon;
  const double rest2 = 1.0 - adam.beta2;
  const double c = (1.0 - adam.beta1) / std::sqrt(rest2 * (1.0 - ratio));
  return std::min(by_epsilon,
                  2.0 * c + kVanishing / std::sqrt(rest2) * std::max(c, 1.0) / adam.epsilon);
}

// Means of gradients, and of their squares, are at most the greatest of these. The rate is greatest
// at the first step.
template <typename Config>
void MoveAdam(const Config& adam, double gradient, double rate, UpdateBounds::Most& most) {
  most.moment1 = std::max(most.moment1, gradient);
  most.moment2 = std::max(most.moment2, gradient * gradient);
  most.value += rate / (1.0 - adam.beta1) * AdamStep(adam, most.moment1);
}

void Move(const Adam& adam, double gradient, double rate, UpdateBounds::Most& most) {
  MoveAdam(adam, gradient, rate, most);
}

void Move(const AdamW& adam, double gradient, double rate, UpdateBounds::Most& most) {
  const double shrink = rate * adam.weight_decay;
  most.value = shrink < kMost ? most.value * std::max(1.0, shrink - 1.0)
                              : std::numeric_limits<double>::infinity();
  MoveAdam(adam, gradient, rate, most);
}

void Move(const RmsProp& rms_prop, double gradient, double rate, UpdateBounds::Most& most) {
  most.moment1 = std::max(most.moment1, gradient * gradient);
  // The mean of squares holds a share of this gradient's, unless that vanishes.
  const double root = std::sqrt(1.0 - rms_prop.alpha);
  double step =
      std::min(gradient / rms_prop.epsilon, 2.0 / root + kVanishing / root / rms_prop.epsilon);
  if (rms_prop.momentum != 0.0) {
    step += rms_prop.momentum * most.moment2;
    most.moment2 = step;
  }
  most.value += rate * step;
}

}  // namespace

bool UpdateBounds::Advance(double gradient, double rate) {
  Most most = most_;
  // AdamW's decay is apart from the gradient.
  const double decay = std::holds_alternative<AdamW>(optimizer_) ? 0.0 : WeightDecay(optimizer_);
  const double decayed = (gradient + decay * most.value) * kRounding;
  if (!(decayed < (KeepsSquares(optimizer_) ? kMostSquared : kMost))) return false;
  std::visit([&](const auto& optimizer) { Move(optimizer, decayed, rate, most); }, optimizer_);
  most.value *= kRounding;
  most.moment1 *= kRounding;
  most.moment2 *= kRounding;
  const bool is_finite = rate < kMost && most.value < kMost && most.moment1 < kMost &&
                         most.moment2 < kMost;  // false for NaN
  if (!is_finite) return false;
  most_ = most;
  return true;
}

}  // namespace espalier
