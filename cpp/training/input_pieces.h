// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/checked.h"
#include "core/memory.h"
#include "network/input_pointers.h"

namespace espalier {

/// Raw inputs of a piece of a batch, for one caller: what does not lie side by side, or is cut off
/// at the longest example, is copied to memory of its own, made when first needed.
class InputPieces {
 public:
  /// Pieces have no more than `most` examples.
  explicit InputPieces(std::int64_t most) : most_(most) {}

  /// Of inputs whose length varies the positions that lengths() then has. Holds until the next
  /// call.
  std::span<const float* const> At(InputPointers& inputs, std::int64_t first,
                                   std::int64_t examples) {
    const std::vector<InputFormat>& formats = inputs.formats();
    varies_ = std::any_of(formats.begin(), formats.end(),
                          [](const InputFormat& format) { return format.value.length.varies(); });
    if (varies_) lengths_ = inputs.LengthsOf(first, examples);
    if (!inputs.MustCopy(examples, lengths())) return inputs.At(first);
    if (room_.empty()) room_ = AlignedArray<float>(CheckedMultiply(most_, FloatsOf(formats)));
    return inputs.Copy(first, examples, lengths(), room_.data());
  }

  /// Of the piece; null: all positions.
  const BatchLengths* lengths() const { return varies_ ? &lengths_ : nullptr; }

  std::int64_t NativeBytes() const { return room_.bytes(); }

 private:
  std::int64_t most_;
  BatchLengths lengths_;
  bool varies_ = false;
  AlignedArray<float> room_;
};

}  // namespace espalier
