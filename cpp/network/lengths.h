// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values of a varying length: the first dimension of texts and other sequences, of which an example
// has as many positions as an input of the network says.
//
// A batch is computed up to its longest example, and no further, where no layer could tell: those
// that mix positions read the valid ones alone, all others go position by position
// (Layer::InputPositions). Then nothing that a network answers depends on the padding.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "espalier/shape.h"

namespace espalier {

struct NetworkState;

/// Most inputs of a network.
inline constexpr std::size_t kMaxInputs = 16;

/// A layer with more inputs is computed at full length.
inline constexpr std::size_t kMostVaryingInputs = 4;

/// By input of the network that counts positions: the most that an example of a batch has, 1 at
/// least.
class BatchLengths {
 public:
  void Set(int input, std::int64_t most) {
    most_[static_cast<std::size_t>(input)] = std::max<std::int64_t>(1, most);
  }
  std::int64_t At(int input) const { return most_[static_cast<std::size_t>(input)]; }

 private:
  std::array<std::int64_t, kMaxInputs> most_{};
};

/// The first dimension of a value: how much of it a batch needs.
struct Length {
  int input = -1;        // of the network, that counts positions; -1: all are needed
  std::int64_t all = 1;  // positions

  bool varies() const { return input >= 0; }

  /// Positions for a batch; `lengths` may be null: all.
  std::int64_t In(const BatchLengths* lengths) const {
    return varies() && lengths != nullptr ? std::min(all, lengths->At(input)) : all;
  }

  /// What remains of `count` floats, rows or the like, so many for each position.
  std::int64_t Cut(std::int64_t count, const BatchLengths* lengths) const {
    return varies() && lengths != nullptr ? count / all * In(lengths) : count;
  }

  Shape Cut(const Shape& shape, const BatchLengths* lengths) const;
};

/// Sets GraphValue::length of all values.
void FindLengths(NetworkState& network);

}  // namespace espalier
