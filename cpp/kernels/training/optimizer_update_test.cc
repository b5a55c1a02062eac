// SPDX-License-Identifier: Apache-2.0
#include "kernels/training/optimizer_update.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "testing/special_values.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

// One element, by the formulas of optimizer_update.h, each step rounded to float32.
struct Element {
  float w, gradient, moment1, moment2;

  float Gradient(const GradientTerms& terms) const {
    float g = gradient;
    if (g > terms.limit) g = terms.limit;
    if (g < -terms.limit) g = -terms.limit;
    return g * terms.scale + terms.decay * w;
  }
  void Update(const GradientTerms& gradient_terms, const SgdTerms& terms) {
    const float g = Gradient(gradient_terms);
    if (terms.momentum == 0.0f) {
      w -= terms.rate * g;
      return;
    }
    moment1 = terms.momentum * moment1 + g;
    w -= terms.rate * (terms.nesterov ? g + terms.momentum * moment1 : moment1);
  }
  void Update(const GradientTerms& gradient_terms, const AdamTerms& terms) {
    const float g = Gradient(gradient_terms);
    moment1 = terms.beta1 * moment1 + terms.rest1 * g;
    moment2 = terms.beta2 * moment2 + terms.rest2 * (g * g);
    const float divisor = std::sqrt(moment2) * terms.inverse_root + terms.epsilon;
    w = (w - terms.shrink * w) - terms.rate * (moment1 / divisor);
  }
  void Update(const GradientTerms& gradient_terms, const RmsPropTerms& terms) {
    const float g = Gradient(gradient_terms);
    moment1 = terms.alpha * moment1 + terms.rest * (g * g);
    float step = g / (std::sqrt(moment1) + terms.epsilon);
    if (terms.momentum != 0.0f) step = moment2 = terms.momentum * moment2 + step;
    w -= terms.rate * step;
  }
};

void Update(const UpdateArrays& arrays, const GradientTerms& gradient, const SgdTerms& terms) {
  SgdUpdate(arrays, gradient, terms);
}
void Update(const UpdateArrays& arrays, const GradientTerms& gradient, const AdamTerms& terms) {
  AdamUpdate(arrays, gradient, terms);
}
void Update(const UpdateArrays& arrays, const GradientTerms& gradient, const RmsPropTerms& terms) {
  RmsPropUpdate(arrays, gradient, terms);
}

bool IsNear(float got, float expected) {
  return testing::IsFloatOf(got, static_cast<double>(expected), 1e-5, 1e-36);
}

// Pairs of special values meet as weight and gradient and as gradient and moments, of which the
// second, a mean of squares, is never negative.
template <typename Terms>
void CheckSpecialValues(const Terms& terms) {
  testing::ForEachGuardedLength([&](std::size_t length, GuardSide side) {
    GuardedFloats values(length, side), gradients(length, side);
    GuardedFloats moment1(length, side), moment2(length, side);
    const UpdateArrays arrays{.values = values.data(),
                              .gradients = gradients.data(),
                              .moment1 = moment1.data(),
                              .moment2 = moment2.data(),
                              .count = static_cast<std::int64_t>(length)};
    for (const GradientTerms& gradient_terms :
         {GradientTerms{.limit = std::numeric_limits<float>::infinity(), .scale = 0.5f},
          GradientTerms{.limit = 2.0f, .scale = 0.5f, .decay = 0.25f}}) {
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
          moment1.data()[i] = at.moment1;
          moment2.data()[i] = at.moment2;
        }
        Update(arrays, gradient_terms, terms);
        for (std::size_t i = 0; i < length; ++i) {
          const Element before = element(i);
          Element expected = before;
          expected.Update(gradient_terms, terms);
          ASSERT_TRUE(IsNear(values.data()[i], expected.w) &&
                      IsNear(moment1.data()[i], expected.moment1) &&
                      IsNear(moment2.data()[i], expected.moment2))
              << "of " << before.w << ", gradient " << before.gradient << ", moments "
              << before.moment1 << " and " << before.moment2 << ": " << values.data()[i] << ", "
              << moment1.data()[i] << ", " << moment2.data()[i] << ", not " << expected.w << ", "
              << expected.moment1 << ", " << expected.moment2;
        }
      }
    }
  });
}

TEST(OptimizerUpdate, SgdOfSpecialValuesInEveryLaneOfEveryLength) {
  CheckSpecialValues(SgdTerms{.rate = 0.125f});
  CheckSpecialValues(SgdTerms{.rate = 0.125f, .momentum = 0.5f});
  CheckSpecialValues(SgdTerms{.rate = 0.125f, .momentum = 0.5f, .nesterov = true});
}

TEST(OptimizerUpdate, AdamOfSpecialValuesInEveryLaneOfEveryLength) {
  CheckSpecialValues(AdamTerms{.rate = 0.125f,
                               .beta1 = 0.5f,
                               .rest1 = 0.5f,
                               .beta2 = 0.75f,
                               .rest2 = 0.25f,
                               .inverse_root = 2.0f,
                               .epsilon = 0x1p-20f,
                               .shrink = 0.0625f});
}

TEST(OptimizerUpdate, RmsPropOfSpecialValuesInEveryLaneOfEveryLength) {
  CheckSpecialValues(
      RmsPropTerms{.rate = 0.125f, .alpha = 0.75f, .rest = 0.25f, .epsilon = 0x1p-20f});
  CheckSpecialValues(RmsPropTerms{
      .rate = 0.125f, .alpha = 0.75f, .rest = 0.25f, .epsilon = 0x1p-20f, .momentum = 0.5f});
}

}  // namespace
}  // namespace espalier
