// SPDX-License-Identifier: Apache-2.0
#include "kernels/optimizers/update_rule.h"

#include <cmath>
#include <limits>

#include "core/text.h"

namespace espalier {

void UpdateRule::Require(bool holds, const char* name, const char* expected, double got) {
  if (!holds) {
    Fail(ErrorCode::kInvalidArgument, "optimizer ", name, ": expected ", expected, ", got ", got);
  }
}

void UpdateRule::CheckFraction(const char* name, double value) {
  Require(value >= 0.0 && value < 1.0, name, "a number in [0, 1)", value);
}

void UpdateRule::CheckEpsilon(double value) {
  // Less would vanish in float and divide 0 by 0.
  Require(value >= static_cast<double>(std::numeric_limits<float>::min()) && std::isfinite(value),
          "epsilon", "a positive number", value);
}

GradientTerms UpdateRule::GradientOf(const UpdateStep& step, double decay) {
  return {
      .limit = step.clip_value > 0.0f ? step.clip_value : std::numeric_limits<float>::infinity(),
      .scale = step.gradient_scale,
      .decay = static_cast<float>(decay)};
}

}  // namespace espalier
