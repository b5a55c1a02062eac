// SPDX-License-Identifier: Apache-2.0
#include "kernels/optimizers/update_rule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>

#include "espalier/optimizer.h"
#include "testing/special_values.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

// One element, by the formulas of optimizer.h, each step rounded to float32.
struct Element {
  float w, gradient, state1, state2;

  float Gradient(const UpdateStep& step, float decay) const {
    float g = gradient;
    if (step.clip_value > 0.0f) {
      if (g > step.clip_value) g = step.clip_value;
      if (g < -step.clip_value) g = -step.clip_value;
    }
    return g * step.gradient_scale + decay * w;
  }
  void Update(const UpdateStep& step, const Sgd& sgd) {
    const float g = Gradient(step, Float(step.weight_decay));
    if (sgd.momentum == 0.0) {
      w -= Float(step.learning_rate) * g;
      return;
    }
    const float momentum = Float(sgd.momentum);
    state1 = momentum * state1 + g;
    w -= Float(step.learning_rate) * (sgd.nesterov ? g + momentum * state1 : state1);
  }
  template <typename Config>
  void UpdateAdam(const UpdateStep& step, const Config& adam, float decay, float shrink) {
    const float g = Gradient(step, decay);
    const auto t = static_cast<double>(step.step);
    const float rate = Float(step.learning_rate / (1.0 - std::pow(adam.beta1, t)));
    const float inverse_root = Float(1.0 / std::sqrt(1.0 - std::pow(adam.beta2, t)));
    state1 = Float(adam.beta1) * state1 + Float(1.0 - adam.beta1) * g;
    state2 = Float(adam.beta2) * state2 + Float(1.0 - adam.beta2) * (g * g);
    const float divisor = std::sqrt(state2) * inverse_root + Float(adam.epsilon);
    w = (w - shrink * w) - rate * (state1 / divisor);
  }
  void Update(const UpdateStep& step, const Adam& adam) {
    UpdateAdam(step, adam, Float(step.weight_decay), 0.0f);
  }
  void Update(const UpdateStep& step, const AdamW& adam) {
    UpdateAdam(step, adam, 0.0f, Float(step.learning_rate * step.weight_decay));
  }
  void Update(const UpdateStep& step, const RmsProp& rms_prop) {
    const float g = Gradient(step, Float(step.weight_decay));
    const float alpha = Float(rms_prop.alpha);
    state1 = alpha * state1 + (1.0f - alpha) * (g * g);
    float change = g / (std::sqrt(state1) + Float(rms_prop.epsilon));
    if (rms_prop.momentum != 0.0) {
      change = state2 = Float(rms_prop.momentum) * state2 + change;
    }
    w -= Float(step.learning_rate) * change;
  }

  static float Float(double value) { return static_cast<float>(value); }
};

bool IsNear(float got, float expected) {
  return testing::IsFloatOf(got, static_cast<double>(expected), 1e-5, 1e-36);
}

// Pairs of special values meet as weight and gradient and as gradient and state, of which the
// second, a mean of squares, is never negative.
template <typename Config>
void CheckSpecialValues(const Config& config) {
  const std::shared_ptr<const UpdateRule> rule = config.Rule();
  testing::ForEachGuardedLength([&](std::size_t length, GuardSide side) {
    GuardedFloats values(length, side), gradients(length, side);
    GuardedFloats state1(length, side), state2(length, side);
    const UpdateArrays arrays{.values = values.data(),
                              .gradients = gradients.data(),
                              .state = {state1.data(), state2.data()},
                              .count = static_cast<std::int64_t>(length)};
    for (const UpdateStep& step : {UpdateStep{.learning_rate = 0.125, .gradient_scale = 0.5f},
                                   UpdateStep{.learning_rate = 0.125,
                                              .weight_decay = 0.25,
                                              .gradient_scale = 0.5f,
                                              .clip_value = 2.0f}}) {
      for (std::size_t turn = 0; turn < testing::kSpecialPairTurns; ++turn) {
        const auto element = [turn](std::size_t i) {
          return Element{testing::FirstSpecial(i, turn), testing::SecondSpecial(i, turn),
                         std::abs(testing::FirstSpecial(2 * i, turn)),
                         std::abs(testing::FirstSpecial(3 * i, turn))};
        };
        for (std::size_t i = 0; i < length; ++i) {
          const Element at = element(i);
          values.data()[i] = at.w;
          gradients.data()[i] = at.gradient;
          state1.data()[i] = at.state1;
          state2.data()[i] = at.state2;
        }
        rule->Run(rule->Prepare(step), arrays);
        for (std::size_t i = 0; i < length; ++i) {
          const Element before = element(i);
          Element expected = before;
          expected.Update(step, config);
          ASSERT_TRUE(IsNear(values.data()[i], expected.w) &&
                      IsNear(state1.data()[i], expected.state1) &&
                      IsNear(state2.data()[i], expected.state2))
              << "of " << before.w << ", gradient " << before.gradient << ", state "
              << before.state1 << " and " << before.state2 << ": " << values.data()[i] << ", "
              << state1.data()[i] << ", " << state2.data()[i] << ", not " << expected.w << ", "
              << expected.state1 << ", " << expected.state2;
        }
      }
    }
  });
}

TEST(UpdateRule, SgdOfSpecialValuesInEveryLaneOfEveryLength) {
  CheckSpecialValues(Sgd{});
  CheckSpecialValues(Sgd{.momentum = 0.5});
  CheckSpecialValues(Sgd{.momentum = 0.5, .nesterov = true});
}

TEST(UpdateRule, AdamOfSpecialValuesInEveryLaneOfEveryLength) {
  CheckSpecialValues(Adam{.beta1 = 0.5, .beta2 = 0.75, .epsilon = 0x1p-20});
  CheckSpecialValues(AdamW{.beta1 = 0.5, .beta2 = 0.75, .epsilon = 0x1p-20});
}

TEST(UpdateRule, RmsPropOfSpecialValuesInEveryLaneOfEveryLength) {
  CheckSpecialValues(RmsProp{.alpha = 0.75, .epsilon = 0x1p-20});
  CheckSpecialValues(RmsProp{.alpha = 0.75, .epsilon = 0x1p-20, .momentum = 0.5});
}

}  // namespace
}  // namespace espalier
