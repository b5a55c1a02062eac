// SPDX-License-Identifier: Apache-2.0
#pragma once

// Copies between arrays of any strides: slices, transpositions, what broadcasts.

#include <array>
#include <cstdint>

namespace espalier {

/// Nested loops over two arrays, strides in floats.
struct StridedLoops {
  static constexpr int kMost = 8;

  struct Loop {
    std::int64_t count, from, to;
  };

  void Add(std::int64_t count, std::int64_t from, std::int64_t to) {
    loops[static_cast<std::size_t>(depth++)] = {count, from, to};
  }
  /// The same, from `to` to `from`.
  StridedLoops Reversed() const;

  int depth = 0;
  std::array<Loop, kMost> loops{};
};

/// to[…] = from[…]. No two places of `to` are the same; those of `from` may be. Counts of at least
/// 1. The order in which elements are copied is not that of the loops.
void CopyStrided(const StridedLoops& loops, const float* from, float* to);

/// to[…] += from[…], likewise.
void AddStrided(const StridedLoops& loops, const float* from, float* to);

/// The first `count` floats become `value`.
void FillArray(float value, std::int64_t count, float* to);

}  // namespace espalier
