// SPDX-License-Identifier: Apache-2.0
#pragma once

// Examples of a batch by their length, so that those which are computed together are about as long:
// what a piece costs is what its longest example does, for each.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "network/input_pointers.h"

namespace espalier {

class LengthOrder {
 public:
  /// Most examples that one order has.
  static constexpr std::int64_t kMost = 256;

  /// Of examples [first, first + count), the longest first; those of one length in their order.
  LengthOrder(const InputPointers& inputs, std::int64_t first, std::int64_t count);

  /// The next examples to be computed together, `most` at most; empty: none are left.
  std::span<const std::int64_t> NextPiece(std::int64_t most);

 private:
  std::array<std::int64_t, kMost> examples_;
  std::array<std::int32_t, kMost> positions_;  // of examples_, in the same order
  std::size_t count_;
  std::size_t done_ = 0;
};

}  // namespace espalier
