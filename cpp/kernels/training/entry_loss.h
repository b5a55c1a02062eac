// SPDX-License-Identifier: Apache-2.0
#pragma once

// Losses of independent entries: every column of a labels or values head is a question of
// its own. An entry counts if its mask is not 0 or, without a mask, if its target is not
// NaN; nothing of the others reaches a result, whatever bits they hold.

#include <cstdint>

namespace espalier {

enum class EntryLoss : std::uint8_t {
  kLogistic,  ///< y'·w·softplus(-z) + (1-y')·softplus(z); loss within 3.5, derivative within 3
              ///< units of the last place where y' is 0 or 1 and w is 1
  kFocal,     ///< y'·w·a·σ(-z)^γ·softplus(-z) + (1-y')·b·σ(z)^γ·softplus(z)
  kSquared,   ///< (z-y)²
  kHuber,     ///< (z-y)²/2 to δ, then δ(|z-y| - δ/2)
};

/// y' = y·(1 - smoothing) + smoothing/2; a and b are the two alphas.
struct EntryLossSettings {
  EntryLoss kind = EntryLoss::kLogistic;
  float smoothing = 0.0f;
  float gamma = 0.0f;
  float positive_alpha = 1.0f;
  float negative_alpha = 1.0f;
  float delta = 1.0f;
};

/// Columns of a block: what the stack holds, and a multiple of any vector's lanes.
inline constexpr std::int64_t kEntryBlockColumns = 256;

/// Logits, targets and mask of up to kEntryBlockColumns adjacent columns.
struct EntryBlock {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const float* logits = nullptr;
  float* grad_logits = nullptr;    ///< may be `logits`; null: not wanted
  std::int64_t logits_stride = 0;  ///< of both
  const float* targets = nullptr;
  const std::uint8_t* mask = nullptr;  ///< null: NaN targets are unlabelled
  std::int64_t targets_stride = 0;     ///< of both
};

/// Per column of a block.
struct EntryColumns {
  alignas(64) float positive_weights[kEntryBlockColumns];  ///< w
  alignas(64) float gradient_scales[kEntryBlockColumns];
  alignas(64) double loss_sums[kEntryBlockColumns];
};

/// counts[j] = labelled entries of column j.
void CountLabelled(const EntryBlock& block, std::int32_t counts[kEntryBlockColumns]);

/// Writes first + i to `places` for each labelled entry i of `count` adjacent ones, in order,
/// and returns how many they are. `places` needs room for kPlacesSlack more than that.
std::int64_t ListLabelled(const float* targets, const std::uint8_t* mask, std::int64_t count,
                          std::int32_t first, std::int32_t* places);
inline constexpr std::int64_t kPlacesSlack = 16;  // written as whole vectors

/// Sets loss_sums[j] to the sum over rows, from the first to the last, and grad_logits to
/// derivative × gradient_scales[j], or exactly 0 where unlabelled.
void ComputeEntryLoss(const EntryLossSettings& settings, const EntryBlock& block,
                      EntryColumns& columns);

/// True if every labelled target of `count` adjacent ones lies in [least, greatest].
bool TargetsInRange(const float* targets, const std::uint8_t* mask, std::int64_t count, float least,
                    float greatest);

}  // namespace espalier
