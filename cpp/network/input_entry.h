// SPDX-License-Identifier: Apache-2.0
#pragma once

// How an input of a network comes from outside to where plans read it.

#include <cstdint>
#include <optional>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "layers/layout.h"
#include "network/network_state.h"

namespace espalier {

/// Normalizes, (x - mean) / std, and moves into the value's layout, in one pass.
class InputEntry {
 public:
  /// A row-major value is normalized by one mean and one std for all (ChooseLayouts sees to it).
  InputEntry(const GraphValue& value, const std::optional<Normalization>& normalization);

  /// [batch, shape] each, of the positions that `lengths` has (null: all).
  void Run(std::int64_t batch, const BatchLengths* lengths, const float* from, float* to,
           Workspace& workspace) const;

  /// The same for positions [first, last) of a part of an image, which lies alone.
  void RunPart(const ImageLayout& layout, std::int64_t first, std::int64_t last, const float* from,
               float* to) const;

  /// Of one channel where the value is row-major.
  const ImageLayout& layout() const { return layout_; }
  std::int64_t NativeBytes() const { return mean_.bytes() + scale_.bytes(); }

 private:
  ImageLayout layout_;
  Length length_;
  AlignedArray<float> mean_;  // [channels], or empty: not normalized
  AlignedArray<float> scale_;
};

}  // namespace espalier
