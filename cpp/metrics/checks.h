// SPDX-License-Identifier: Apache-2.0
#pragma once

// Checks of what metrics are computed from. Only labelled entries are checked.

#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include "core/text.h"
#include "espalier/metrics.h"

namespace espalier {

/// Rows of [examples, width] predictions and [examples, target_width] targets.
inline std::size_t CheckedExamples(std::size_t predictions, std::size_t targets, std::size_t width,
                                   std::size_t target_width) {
  if (width == 0) Fail(ErrorCode::kInvalidArgument, "metrics: expected at least one label");
  const std::size_t examples = targets / target_width;
  if (targets % target_width != 0 || predictions % width != 0 || predictions / width != examples) {
    Fail(ErrorCode::kShapeMismatch, "metrics: expected ", width, " predictions and ", target_width,
         " targets an example, got ", predictions, " and ", targets);
  }
  return examples;
}

inline std::string EntryName(std::size_t entry, std::span<const std::string> labels) {
  return Concat("row ", entry / labels.size(), ", label ", labels[entry % labels.size()]);
}

/// As many logits as probabilities, or none.
inline void CheckSameSize(const TaskOutputs& outputs) {
  if (!outputs.logits.empty() && outputs.logits.size() != outputs.probabilities.size()) {
    Fail(ErrorCode::kShapeMismatch, "metrics: expected ", outputs.probabilities.size(),
         " logits, got ", outputs.logits.size());
  }
}

inline void CheckFinite(float prediction, std::size_t entry, std::span<const std::string> labels) {
  if (!std::isfinite(prediction)) {
    Fail(ErrorCode::kNonFinite, "metrics, ", EntryName(entry, labels),
         ": expected a finite prediction, got ", prediction);
  }
}

inline void CheckTargetRange(float target, std::size_t entry, std::span<const std::string> labels,
                             float least, float greatest) {
  if (!(target >= least && target <= greatest)) {
    Fail(ErrorCode::kInvalidArgument, "metrics, ", EntryName(entry, labels),
         ": expected a target from ", least, " to ", greatest, ", got ", target);
  }
}

}  // namespace espalier
