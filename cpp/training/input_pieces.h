// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "core/checked.h"
#include "core/memory.h"
#include "network/input_pointers.h"

namespace espalier {

/// Raw inputs of a piece of a batch, for one caller: rows that hold several inputs are taken apart
/// into memory of its own, made when first needed.
class InputPieces {
 public:
  /// Pieces have no more than `most` examples.
  explicit InputPieces(std::int64_t most) : most_(most) {}

  /// Holds until the next call.
  std::span<const float* const> At(InputPointers& inputs, std::int64_t first,
                                   std::int64_t examples) {
    if (!inputs.must_split()) return inputs.At(first);
    if (room_.empty()) {
      room_ = AlignedArray<float>(CheckedMultiply(most_, FloatsOf(inputs.formats())));
    }
    return inputs.Split(first, examples, room_.data());
  }

  std::int64_t NativeBytes() const { return room_.bytes(); }

 private:
  std::int64_t most_;
  AlignedArray<float> room_;
};

}  // namespace espalier
