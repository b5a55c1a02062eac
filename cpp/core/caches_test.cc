// SPDX-License-Identifier: Apache-2.0
#include "core/caches.h"

#include <gtest/gtest.h>

#include <set>

#include "testing/each_cpu.h"

namespace espalier {
namespace {

std::vector<int> Number(const std::vector<int>& first_sharer) { return NumberCaches(first_sharer); }

TEST(Caches, OfSeveralCpusHaveOneNumber) {
  EXPECT_EQ(Number({0, 1, 2}), std::vector<int>({0, 1, 2}));
  EXPECT_EQ(Number({0, 0, 2, 2}), std::vector<int>({0, 0, 1, 1}));  // CPUs 0 and 1 share one
  EXPECT_EQ(Number({0, 1, 0, 1}), std::vector<int>({0, 1, 0, 1}));  // CPUs 0 and 2 do
  // The first sharer itself may be another process's.
  EXPECT_EQ(Number({-1, -1, 1, -1, 0, 0}), std::vector<int>({-1, -1, 0, -1, 1, 1}));
  EXPECT_EQ(Number({}), std::vector<int>());
}

TEST(Caches, AreThoseOfTheCpus) {
  std::set<int> seen;
  testing::OnEachCpu([&] {
    const int cache = CurrentL2Cache();
    EXPECT_EQ(CurrentL2Cache(), cache);
    seen.insert(cache);
    // The mask of a thread that is bound to one CPU isn't the process's.
    EXPECT_GE(L2CacheCount(), static_cast<int>(seen.size()));
  });
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(*seen.begin(), 0);
  EXPECT_EQ(*seen.rbegin(), L2CacheCount() - 1);
  EXPECT_EQ(static_cast<int>(seen.size()), L2CacheCount());
}

TEST(Caches, HaveSizes) {
  EXPECT_GE(L1DataCacheBytes(), std::int64_t{4} << 10);
  EXPECT_GT(L2CacheBytes(), L1DataCacheBytes());
}

}  // namespace
}  // namespace espalier
