// SPDX-License-Identifier: Apache-2.0
#include "kernels/copies/strided_copy.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "testing/cpu_targets.h"
#include "testing/guarded_floats.h"

namespace espalier {
namespace {

using testing::GuardedFloats;
using testing::GuardSide;

using Ints = std::vector<std::int64_t>;

// Loops over a row-major array of `counts`, from another whose strides are `from`.
StridedLoops Loops(const Ints& counts, const Ints& from) {
  StridedLoops loops;
  std::int64_t to = std::accumulate(counts.begin(), counts.end(), std::int64_t{1},
                                    [](std::int64_t a, std::int64_t b) { return a * b; });
  for (std::size_t i = 0; i < counts.size(); ++i) {
    to /= counts[i];
    loops.Add(counts[i], from[i], to);
  }
  return loops;
}

// Where element `index` of the row-major array comes from.
std::size_t Source(const Ints& counts, const Ints& from, std::size_t index) {
  std::int64_t source = 0;
  auto rest = static_cast<std::int64_t>(index);
  for (std::size_t i = counts.size(); i-- > 0;) {
    source += rest % counts[i] * from[i];
    rest /= counts[i];
  }
  return static_cast<std::size_t>(source);
}

struct Case {
  Ints counts, from;
  std::size_t source_size;
};

const Case kCases[] = {
    {{}, {}, 1},
    {{1}, {1}, 1},
    {{7}, {1}, 7},
    {{5}, {3}, 13},                           // every third
    {{6}, {0}, 1},                            // one repeated
    {{4, 5}, {5, 1}, 20},                     // as it is
    {{17, 19}, {1, 17}, 323},                 // transposed
    {{3, 4, 5}, {1, 15, 3}, 60},              // the first last
    {{4, 5, 3}, {5, 1, 20}, 60},              // the last first
    {{2, 8, 3, 16}, {384, 16, 128, 1}, 768},  // the middle two exchanged
    {{8, 7, 6}, {6, 48, 1}, 336},             // rows moved
    {{3, 4, 6}, {48, 12, 2}, 144},            // every second
    {{2, 3, 4}, {0, 4, 1}, 12},               // repeated
    {{4, 3, 2}, {2, 0, 1}, 8},                // repeated inside
    {{2, 3, 33, 65}, {6435, 2145, 1, 33}, 12870},
    {{2, 2, 2, 2, 2, 2, 2, 2}, {1, 2, 4, 8, 16, 32, 64, 128}, 256},
};

TEST(StridedCopy, CopiesAndAddsThereAndBack) {
  testing::ForEachCpuTarget([] {
    for (const Case& c : kCases) {
      const StridedLoops loops = Loops(c.counts, c.from);
      std::size_t size = 1;
      for (const std::int64_t count : c.counts) size *= static_cast<std::size_t>(count);
      for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
        GuardedFloats from(c.source_size, side);
        GuardedFloats to(size, side);
        for (std::size_t i = 0; i < c.source_size; ++i) from.data()[i] = static_cast<float>(i + 1);
        CopyStrided(loops, from.data(), to.data());
        bool is_repeated = false;
        for (std::size_t i = 0; i < size; ++i) {
          ASSERT_EQ(to.data()[i], static_cast<float>(Source(c.counts, c.from, i) + 1)) << i;
        }
        for (const std::int64_t stride : c.from) is_repeated |= stride == 0;
        AddStrided(loops, from.data(), to.data());
        for (std::size_t i = 0; i < size; ++i) {
          ASSERT_EQ(to.data()[i], 2.0f * static_cast<float>(Source(c.counts, c.from, i) + 1)) << i;
        }
        if (is_repeated) continue;
        GuardedFloats back(c.source_size, side);
        CopyStrided(loops.Reversed(), to.data(), back.data());
        for (std::size_t i = 0; i < size; ++i) {
          const std::size_t at = Source(c.counts, c.from, i);
          ASSERT_EQ(back.data()[at], 2.0f * from.data()[at]) << i;
        }
      }
    }
  });
}

TEST(StridedCopy, FillsEveryLength) {
  for (const std::size_t size : {0u, 1u, 63u, 64u, 65u, 128u, 200u, 1031u}) {
    for (const GuardSide side : {GuardSide::kBefore, GuardSide::kAfter}) {
      GuardedFloats to(size, side);
      FillArray(2.5f, static_cast<std::int64_t>(size), to.data());
      EXPECT_EQ(to.ToVector(), std::vector<float>(size, 2.5f));
    }
  }
}

}  // namespace
}  // namespace espalier
