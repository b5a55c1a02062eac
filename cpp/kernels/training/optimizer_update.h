// SPDX-License-Identifier: Apache-2.0
#pragma once

// One pass over parameters, gradients and moments per optimizer step. Every element is
// computed alone: a run in pieces gives the bits of the whole.

#include <cstdint>

namespace espalier {

/// Runs of `count` floats, none overlapping. Moments that the terms do not use may be null.
struct UpdateArrays {
  float* values = nullptr;
  const float* gradients = nullptr;
  float* moment1 = nullptr;
  float* moment2 = nullptr;
  std::int64_t count = 0;
};

/// g = min(max(gradient, -limit), limit)·scale + decay·w
struct GradientTerms {
  float limit = 0.0f;  ///< infinity: no clipping
  float scale = 1.0f;
  float decay = 0.0f;
};

/// moment1 = momentum·moment1 + g; w -= rate·moment1 (Nesterov: rate·(g + momentum·moment1)).
/// Without momentum no moment is touched.
struct SgdTerms {
  float rate = 0.0f;
  float momentum = 0.0f;
  bool nesterov = false;
};
void SgdUpdate(const UpdateArrays& arrays, const GradientTerms& gradient, const SgdTerms& terms);

/// moment1 = beta1·moment1 + rest1·g; moment2 = beta2·moment2 + rest2·g²;
/// w = w - shrink·w - rate·moment1 / (√moment2·inverse_root + epsilon)
struct AdamTerms {
  float rate = 0.0f;  ///< over 1 - beta1^t
  float beta1 = 0.0f;
  float rest1 = 0.0f;  ///< 1 - beta1
  float beta2 = 0.0f;
  float rest2 = 0.0f;         ///< 1 - beta2
  float inverse_root = 1.0f;  ///< 1/√(1 - beta2^t)
  float epsilon = 0.0f;
  float shrink = 0.0f;  ///< rate·decay where decay is apart from the gradient
};
void AdamUpdate(const UpdateArrays& arrays, const GradientTerms& gradient, const AdamTerms& terms);

/// moment1 = alpha·moment1 + rest·g²; step = g / (√moment1 + epsilon);
/// moment2 = momentum·moment2 + step; w -= rate·moment2 (without momentum: rate·step).
struct RmsPropTerms {
  float rate = 0.0f;
  float alpha = 0.0f;
  float rest = 0.0f;  ///< 1 - alpha
  float epsilon = 0.0f;
  float momentum = 0.0f;
};
void RmsPropUpdate(const UpdateArrays& arrays, const GradientTerms& gradient,
                   const RmsPropTerms& terms);

}  // namespace espalier
