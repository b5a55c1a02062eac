// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "espalier/optimizer.h"
#include "kernels/optimizers/update_rule.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optimizers/sgd.cc"
#include "kernels/dispatch.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/optimizers/update_vectors-inl.h"

#ifndef ESPALIER_KERNELS_OPTIMIZERS_SGD_TERMS_  // once for all targets
#define ESPALIER_KERNELS_OPTIMIZERS_SGD_TERMS_
namespace espalier {

// state[0] = momentum·state[0] + g; w -= rate·state[0] (Nesterov: rate·(g + momentum·state[0])).
// Without momentum there is no state.
struct SgdTerms {
  float rate = 0.0f;
  float momentum = 0.0f;
  bool nesterov = false;
};

}  // namespace espalier
#endif

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace {

void SgdKernel(const UpdateArrays& arrays, const GradientTerms& gradient, const SgdTerms& terms) {
  const D d;
  float* const velocities = arrays.state[0];
  const V rate = hn::Set(d, terms.rate);
  if (terms.momentum == 0.0f) {
    ForEachVector(arrays, gradient,
                  [&](size_t, size_t, V w, V g) HWY_ATTR { return hn::NegMulAdd(rate, g, w); });
    return;
  }
  const V momentum = hn::Set(d, terms.momentum);
  const bool nesterov = terms.nesterov;
  ForEachVector(arrays, gradient, [&](size_t i, size_t n, V w, V g) HWY_ATTR {
    const V velocity = hn::MulAdd(momentum, LoadFirst(d, velocities + i, n), g);
    StoreFirst(velocity, d, velocities + i, n);
    const V step = nesterov ? hn::MulAdd(momentum, velocity, g) : velocity;
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

class SgdRule : public UpdateRule {
 public:
  explicit SgdRule(const Sgd& sgd) : sgd_(sgd) {}

  void Check() const override {
    CheckFraction("momentum", sgd_.momentum);
    Require(!sgd_.nesterov || sgd_.momentum > 0.0, "momentum", "more than 0 with nesterov",
            sgd_.momentum);
  }

  std::vector<std::string_view> StateNames() const override {
    if (sgd_.momentum == 0.0) return {};
    return {"momentum_buffer"};
  }

  UpdateTerms Prepare(const UpdateStep& step) const override {
    return {GradientOf(step, step.weight_decay),
            SgdTerms{.rate = static_cast<float>(step.learning_rate),
                     .momentum = static_cast<float>(sgd_.momentum),
                     .nesterov = sgd_.nesterov}};
  }

  void Run(const UpdateTerms& terms, const UpdateArrays& arrays) const override {
    ESPALIER_KERNEL(SgdKernel)(arrays, terms.gradient(), terms.As<SgdTerms>());
  }

  void Bound(double gradient, double rate, double, UpdateMost& most) const override {
    double step = gradient;
    if (sgd_.momentum != 0.0) {
      most.state[0] = sgd_.momentum * most.state[0] + gradient;
      step = sgd_.nesterov ? gradient + sgd_.momentum * most.state[0] : most.state[0];
    }
    most.value += rate * step;
  }

 private:
  Sgd sgd_;
};

}  // namespace

std::shared_ptr<const UpdateRule> Sgd::Rule() const { return std::make_shared<SgdRule>(*this); }

}  // namespace espalier
#endif  // HWY_ONCE
