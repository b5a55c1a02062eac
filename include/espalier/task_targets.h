// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace espalier {

/// Known answers of one task for a batch. Unlabelled is NaN in `values`, -1 in
/// `classes`, or 0 in `mask`; where the mask is 0 the target is never read.
/// All spans empty: nothing of this task is labelled. Borrowed for the call.
struct TaskTargets {
  std::span<const float> values = {};          ///< labels and values heads: [batch, width]
  std::span<const std::int32_t> classes = {};  ///< classes heads: [batch]
  std::span<const std::uint8_t> mask = {};     ///< optional; [batch, width], classes heads: [batch]
};

}  // namespace espalier
