// SPDX-License-Identifier: Apache-2.0

// Adam, and AdamW, which differs in where the decay goes.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "espalier/optimizer.h"
#include "kernels/optimizers/update_rule.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optimizers/adam.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/optimizers/update_vectors-inl.h"

#ifndef ESPALIER_KERNELS_OPTIMIZERS_ADAM_TERMS_  // once for all targets
#define ESPALIER_KERNELS_OPTIMIZERS_ADAM_TERMS_
namespace espalier {

// state[0] = beta1·state[0] + rest1·g; state[1] = beta2·state[1] + rest2·g²;
// w = w - shrink·w - rate·state[0] / (√state[1]·inverse_root + epsilon)
struct AdamTerms {
  float rate = 0.0f;  // over 1 - beta1^t
  float beta1 = 0.0f;
  float rest1 = 0.0f;  // 1 - beta1
  float beta2 = 0.0f;
  float rest2 = 0.0f;         // 1 - beta2
  float inverse_root = 1.0f;  // 1/√(1 - beta2^t)
  float epsilon = 0.0f;
  float shrink = 0.0f;  // rate·decay where decay is apart from the gradient
};

}  // namespace espalier
#endif

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

void AdamKernel(const UpdateArrays& arrays, const GradientTerms& gradient, const AdamTerms& terms) {
  const D d;
  float* const means = arrays.state[0];
  float* const squares = arrays.state[1];
  const V rate = hn::Set(d, terms.rate);
  const V beta1 = hn::Set(d, terms.beta1);
  const V rest1 = hn::Set(d, terms.rest1);
  const V beta2 = hn::Set(d, terms.beta2);
  const V rest2 = hn::Set(d, terms.rest2);
  const V inverse_root = hn::Set(d, terms.inverse_root);
  const V epsilon = hn::Set(d, terms.epsilon);
  const V shrink = hn::Set(d, terms.shrink);
  ForEachVector(arrays, gradient, [&](size_t i, size_t n, V w, V g) HWY_ATTR {
    const V mean = hn::MulAdd(beta1, LoadFirst(d, means + i, n), hn::Mul(rest1, g));
    const V square = hn::MulAdd(beta2, LoadFirst(d, squares + i, n), hn::Mul(rest2, hn::Mul(g, g)));
    StoreFirst(mean, d, means + i, n);
    StoreFirst(square, d, squares + i, n);
    const V divisor = hn::MulAdd(hn::Sqrt(square), inverse_root, epsilon);
    return hn::NegMulAdd(rate, hn::Div(mean, divisor), hn::NegMulAdd(shrink, w, w));
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

template <typename Config>
class AdamRule : public UpdateRule {
 public:
  explicit AdamRule(const Config& adam) : adam_(adam) {}

  void Check() const override {
    CheckFraction("beta1", adam_.beta1);
    CheckFraction("beta2", adam_.beta2);
    CheckEpsilon(adam_.epsilon);
  }

  std::vector<std::string_view> StateNames() const override { return {"exp_avg", "exp_avg_sq"}; }

  std::span<const std::string_view> SquareNames() const override {
    static constexpr std::string_view kNames[] = {"exp_avg_sq"};
    return kNames;
  }

  bool DecaysGradient() const override { return std::is_same_v<Config, Adam>; }

  UpdateTerms Prepare(const UpdateStep& at) const override {
    const auto step = static_cast<double>(at.step);
    AdamTerms terms{
        .rate = static_cast<float>(at.learning_rate / (1.0 - std::pow(adam_.beta1, step))),
        .beta1 = static_cast<float>(adam_.beta1),
        .rest1 = static_cast<float>(1.0 - adam_.beta1),
        .beta2 = static_cast<float>(adam_.beta2),
        .rest2 = static_cast<float>(1.0 - adam_.beta2),
        .inverse_root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(adam_.beta2, step))),
        .epsilon = static_cast<float>(adam_.epsilon)};
    if (DecaysGradient()) return {GradientOf(at, at.weight_decay), terms};
    terms.shrink = static_cast<float>(at.learning_rate * at.weight_decay);
    return {GradientOf(at, 0.0), terms};
  }

  void Run(const UpdateTerms& terms, const UpdateArrays& arrays) const override {
    ESPALIER_KERNEL(AdamKernel)(arrays, terms.gradient(), terms.As<AdamTerms>());
  }

  // Means of gradients, and of their squares, are at most the greatest of these. The rate is
  // greatest at the first step.
  void Bound(double gradient, double rate, double weight_decay, UpdateMost& most) const override {
    if (!DecaysGradient()) {
      const double shrink = rate * weight_decay;
      most.value = shrink < kMostFinite ? most.value * std::max(1.0, shrink - 1.0)
                                        : std::numeric_limits<double>::infinity();
    }
    most.state[0] = std::max(most.state[0], gradient);
    most.state[1] = std::max(most.state[1], gradient * gradient);
    most.value += rate / (1.0 - adam_.beta1) * MostStep(most.state[0]);
  }

 private:
  // What a step is at most, before the rate. Of the means' sums, Cauchy and Schwarz have
  // |m| <= c·√v with c² = (1 - beta1)² / (1 - beta2) / (1 - beta1² / beta2), but for gradients
  // whose squares vanish; twice that has room for all roundings.
  double MostStep(double most_mean) const {
    const double by_epsilon = most_mean / adam_.epsilon;
    const double ratio = adam_.beta1 * adam_.beta1 / adam_.beta2;
    if (!(ratio < 0.999)) return by_epsilon;
    const double rest2 = 1.0 - adam_.beta2;
    const double c = (1.0 - adam_.beta1) / std::sqrt(rest2 * (1.0 - ratio));
    return std::min(by_epsilon,
                    2.0 * c + kVanishing / std::sqrt(rest2) * std::max(c, 1.0) / adam_.epsilon);
  }

  Config adam_;
};

}  // namespace

std::shared_ptr<const UpdateRule> Adam::Rule() const {
  return std::make_shared<AdamRule<Adam>>(*this);
}

std::shared_ptr<const UpdateRule> AdamW::Rule() const {
  return std::make_shared<AdamRule<AdamW>>(*this);
}

}  // namespace espalier
#endif  // HWY_ONCE
