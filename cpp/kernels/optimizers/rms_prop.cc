// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <memory>

#include "espalier/optimizer.h"
#include "kernels/optimizers/update_rule.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optimizers/rms_prop.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/optimizers/update_vectors-inl.h"

#ifndef ESPALIER_KERNELS_OPTIMIZERS_RMS_PROP_TERMS_  // once for all targets
#define ESPALIER_KERNELS_OPTIMIZERS_RMS_PROP_TERMS_
namespace espalier {

// state[0] = alpha·state[0] + rest·g²; step = g / (√state[0] + epsilon);
// state[1] = momentum·state[1] + step; w -= rate·state[1] (without momentum: rate·step).
struct RmsPropTerms {
  float rate = 0.0f;
  float alpha = 0.0f;
  float rest = 0.0f;  // 1 - alpha
  float epsilon = 0.0f;
  float momentum = 0.0f;
};

}  // namespace espalier
#endif

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

void RmsPropKernel(const UpdateArrays& arrays, const GradientTerms& gradient,
                   const RmsPropTerms& terms) {
  const D d;
  float* const squares = arrays.state[0];
  float* const velocities = arrays.state[1];
  const V rate = hn::Set(d, terms.rate);
  const V alpha = hn::Set(d, terms.alpha);
  const V rest = hn::Set(d, terms.rest);
  const V epsilon = hn::Set(d, terms.epsilon);
  const V momentum = hn::Set(d, terms.momentum);
  const bool has_momentum = terms.momentum != 0.0f;
  ForEachVector(arrays, gradient, [&](size_t i, size_t n, V w, V g) HWY_ATTR {
    const V square = hn::MulAdd(alpha, LoadFirst(d, squares + i, n), hn::Mul(rest, hn::Mul(g, g)));
    StoreFirst(square, d, squares + i, n);
    V step = hn::Div(g, hn::Add(hn::Sqrt(square), epsilon));
    if (has_momentum) {
      step = hn::MulAdd(momentum, LoadFirst(d, velocities + i, n), step);
      StoreFirst(step, d, velocities + i, n);
    }
    return hn::NegMulAdd(rate, step, w);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

class RmsPropRule : public UpdateRule {
 public:
  explicit RmsPropRule(const RmsProp& rms_prop) : rms_prop_(rms_prop) {}

  void Check() const override {
    CheckFraction("alpha", rms_prop_.alpha);
    CheckFraction("momentum", rms_prop_.momentum);
    CheckEpsilon(rms_prop_.epsilon);
  }

  std::vector<std::string_view> StateNames() const override {
    if (rms_prop_.momentum == 0.0) return {"square_avg"};
    return {"square_avg", "momentum_buffer"};
  }

  std::span<const std::string_view> SquareNames() const override {
    static constexpr std::string_view kNames[] = {"square_avg"};
    return kNames;
  }

  UpdateTerms Prepare(const UpdateStep& step) const override {
    return {GradientOf(step, step.weight_decay),
            RmsPropTerms{.rate = static_cast<float>(step.learning_rate),
                         .alpha = static_cast<float>(rms_prop_.alpha),
                         .rest = static_cast<float>(1.0 - rms_prop_.alpha),
                         .epsilon = static_cast<float>(rms_prop_.epsilon),
                         .momentum = static_cast<float>(rms_prop_.momentum)}};
  }

  void Run(const UpdateTerms& terms, const UpdateArrays& arrays) const override {
    ESPALIER_KERNEL(RmsPropKernel)(arrays, terms.gradient(), terms.As<RmsPropTerms>());
  }

  void Bound(double gradient, double rate, double, UpdateMost& most) const override {
    most.state[0] = std::max(most.state[0], gradient * gradient);
    // The mean of squares holds a share of this gradient's, unless that vanishes.
    const double root = std::sqrt(1.0 - rms_prop_.alpha);
    double step =
        std::min(gradient / rms_prop_.epsilon, 2.0 / root + kVanishing / root / rms_prop_.epsilon);
    if (rms_prop_.momentum != 0.0) {
      step += rms_prop_.momentum * most.state[1];
      most.state[1] = step;
    }
    most.value += rate * step;
  }

 private:
  RmsProp rms_prop_;
};

}  // namespace

std::shared_ptr<const UpdateRule> RmsProp::Rule() const {
  return std::make_shared<RmsPropRule>(*this);
}

}  // namespace espalier
#endif  // HWY_ONCE
