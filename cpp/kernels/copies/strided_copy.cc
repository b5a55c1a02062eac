// SPDX-License-Identifier: Apache-2.0
#include "kernels/copies/strided_copy.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "kernels/elementwise/elementwise.h"
#include "kernels/matmul/matmul_block.h"

namespace espalier {
namespace {

using Loop = StridedLoops::Loop;

// Without loops of one turn, adjacent ones joined, those over the places of `to` that lie closest
// innermost: memory is written in order.
StridedLoops Simplified(const StridedLoops& given) {
  StridedLoops sorted;
  for (int i = 0; i < given.depth; ++i) {
    const Loop& loop = given.loops[static_cast<std::size_t>(i)];
    if (loop.count != 1) sorted.Add(loop.count, loop.from, loop.to);
  }
  std::stable_sort(sorted.loops.begin(), sorted.loops.begin() + sorted.depth,
                   [](const Loop& a, const Loop& b) { return std::abs(a.to) > std::abs(b.to); });
  StridedLoops joined;
  for (int i = 0; i < sorted.depth; ++i) {
    const Loop& loop = sorted.loops[static_cast<std::size_t>(i)];
    if (joined.depth > 0) {
      Loop& outer = joined.loops[static_cast<std::size_t>(joined.depth - 1)];
      if (outer.from == loop.from * loop.count && outer.to == loop.to * loop.count) {
        outer = {outer.count * loop.count, loop.from, loop.to};
        continue;
      }
    }
    joined.Add(loop.count, loop.from, loop.to);
  }
  return joined;
}

// A loop that reads neighbors, inside of which no other does: with the innermost, which writes
// neighbors, it makes a transposition. Such a loop becomes the second from the inside.
bool FindTransposition(StridedLoops& loops) {
  if (loops.depth < 2) return false;
  const auto end = loops.loops.begin() + loops.depth;
  const Loop& inner = *(end - 1);
  if (inner.to != 1 || inner.from == 1 || inner.from < 1) return false;
  const auto found = std::find_if(loops.loops.begin(), end - 1,
                                  [](const Loop& loop) { return loop.from == 1 && loop.to > 0; });
  if (found == end - 1) return false;
  std::rotate(found, found + 1, end - 1);
  return true;
}

// Calls body(from, to) for each turn of the loops but the innermost `left`.
template <typename Body>
void ForTurns(const StridedLoops& loops, int left, const float* from, float* to, Body body) {
  const int depth = std::max(0, loops.depth - left);
  std::array<std::int64_t, StridedLoops::kMost> turn{};
  while (true) {
    body(from, to);
    int at = depth - 1;
    for (; at >= 0; --at) {
      const Loop& loop = loops.loops[static_cast<std::size_t>(at)];
      if (++turn[static_cast<std::size_t>(at)] < loop.count) {
        from += loop.from;
        to += loop.to;
        break;
      }
      turn[static_cast<std::size_t>(at)] = 0;
      from -= (loop.count - 1) * loop.from;
      to -= (loop.count - 1) * loop.to;
    }
    if (at < 0) return;
  }
}

Loop Innermost(const StridedLoops& loops) {
  return loops.depth == 0 ? Loop{1, 1, 1} : loops.loops[static_cast<std::size_t>(loops.depth - 1)];
}

}  // namespace

StridedLoops StridedLoops::Reversed() const {
  StridedLoops reversed = *this;
  for (Loop& loop : reversed.loops) std::swap(loop.from, loop.to);
  return reversed;
}

void CopyStrided(const StridedLoops& given, const float* from, float* to) {
  StridedLoops loops = Simplified(given);
  if (FindTransposition(loops)) {
    const Loop inner = Innermost(loops);
    const Loop outer = loops.loops[static_cast<std::size_t>(loops.depth - 2)];
    ForTurns(loops, 2, from, to, [&](const float* source, float* target) {
      Transpose(source, inner.from, inner.count, outer.count, target, outer.to);
    });
    return;
  }
  const Loop inner = Innermost(loops);
  ForTurns(loops, 1, from, to, [&](const float* source, float* target) {
    if (inner.from == 1 && inner.to == 1) {
      std::memcpy(target, source, static_cast<std::size_t>(inner.count) * sizeof(float));
    } else if (inner.from == 0 && inner.to == 1) {
      FillArray(*source, inner.count, target);
    } else {
      for (std::int64_t i = 0; i < inner.count; ++i) target[i * inner.to] = source[i * inner.from];
    }
  });
}

void AddStrided(const StridedLoops& given, const float* from, float* to) {
  const StridedLoops loops = Simplified(given);
  const Loop inner = Innermost(loops);
  ForTurns(loops, 1, from, to, [&](const float* source, float* target) {
    if (inner.from == 1 && inner.to == 1) {
      AddArrays(target, source, inner.count, target);
    } else {
      for (std::int64_t i = 0; i < inner.count; ++i) target[i * inner.to] += source[i * inner.from];
    }
  });
}

void FillArray(float value, std::int64_t count, float* to) {
  constexpr std::int64_t kPiece = 64;  // then copied: compilers make no vectors of such a loop
  const std::int64_t first = std::min(count, kPiece);
  std::fill_n(to, first, value);
  for (std::int64_t done = first; done < count; done += kPiece) {
    std::memcpy(to + done, to,
                static_cast<std::size_t>(std::min(kPiece, count - done)) * sizeof(float));
  }
}

}  // namespace espalier
