// SPDX-License-Identifier: Apache-2.0
#include "core/cores.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <set>
#include <thread>

#include "core/resources.h"

namespace espalier {
namespace {

std::vector<int> Number(const std::vector<int>& first_sibling) {
  return NumberCores(first_sibling);
}

TEST(Cores, CountCpusOfOneCoreOnce) {
  EXPECT_EQ(Number({0, 1, 2}), std::vector<int>({0, 1, 2}));
  EXPECT_EQ(Number({0, 0, 2, 2}), std::vector<int>({0, 0, 1, 1}));  // CPUs 0 and 1 are a core
  EXPECT_EQ(Number({0, 1, 0, 1}), std::vector<int>({0, 1, 0, 1}));  // CPUs 0 and 2 are
  // The first sibling itself may be another process's.
  EXPECT_EQ(Number({-1, -1, 1, -1, 0, 0}), std::vector<int>({-1, -1, 0, -1, 1, 1}));
  EXPECT_EQ(Number({}), std::vector<int>());
}

TEST(Cores, AreNumberedFromZero) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  std::set<int> seen;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::thread([&] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
      const int core = CurrentCore();
      EXPECT_EQ(CurrentCore(), core);
      seen.insert(core);
    }).join();
  }
  EXPECT_EQ(*seen.begin(), 0);
  EXPECT_EQ(*seen.rbegin(), static_cast<int>(seen.size()) - 1);
  const int quota = AvailableCpus();
  EXPECT_EQ(AvailableCores(), std::min(quota, static_cast<int>(seen.size())));
}

TEST(Cores, HaveCaches) {
  EXPECT_GE(L1DataCacheBytes(), std::int64_t{4} << 10);
  EXPECT_GT(L2CacheBytes(), L1DataCacheBytes());
}

}  // namespace
}  // namespace espalier
