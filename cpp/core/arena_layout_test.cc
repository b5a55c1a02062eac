// SPDX-License-Identifier: Apache-2.0
#include "core/arena_layout.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <vector>

#include "core/random.h"
#include "espalier/error.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(ArenaLayout, BuffersThatNeverMeetShareMemory) {
  const ArenaLayout layout = LayOutArena({{100, 0, 1}, {100, 2, 3}, {50, 4, 4}});
  EXPECT_EQ(layout.offsets, (std::vector<std::int64_t>{0, 0, 0}));
  EXPECT_EQ(layout.floats, 112);  // whole cache lines
}

TEST(ArenaLayout, BuffersThatMeetForOneMomentDoNot) {
  const ArenaLayout layout = LayOutArena({{16, 0, 1}, {16, 1, 2}});
  EXPECT_EQ(layout.floats, 32);
}

TEST(ArenaLayout, NothingIsLaidOutInNoMemory) {
  EXPECT_EQ(LayOutArena({}).floats, 0);
  EXPECT_EQ(LayOutArena({{0, 0, 5}}).floats, 0);
}

std::vector<BufferRequest> RandomLives(Random& random, int count, int moments, int longest) {
  std::vector<BufferRequest> requests;
  for (int i = 0; i < count; ++i) {
    const int first = static_cast<int>(random.NextBelow(static_cast<std::uint64_t>(moments))) - 1;
    const int last =
        first + static_cast<int>(random.NextBelow(static_cast<std::uint64_t>(longest)));
    requests.push_back({static_cast<std::int64_t>(random.NextBelow(300)), first, last});
  }
  return requests;
}

// Compares those that are near in time alone: of lives no longer than that.
void ExpectNoOverlap(const std::vector<BufferRequest>& requests, const ArenaLayout& layout,
                     int longest) {
  std::vector<std::vector<std::size_t>> by_first;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto first = static_cast<std::size_t>(requests[i].first + 1);
    if (by_first.size() <= first) by_first.resize(first + 1);
    by_first[first].push_back(i);
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(layout.offsets[i] % 16, 0);
    EXPECT_LE(layout.offsets[i] + requests[i].floats, layout.floats);
    const int first = requests[i].first + 1;
    for (int then = std::max(0, first - longest); then <= first; ++then) {
      for (const std::size_t j : by_first[static_cast<std::size_t>(then)]) {
        if (i == j) continue;
        const bool meet =
            requests[i].first <= requests[j].last && requests[j].first <= requests[i].last;
        const bool overlap = layout.offsets[i] < layout.offsets[j] + requests[j].floats &&
                             layout.offsets[j] < layout.offsets[i] + requests[i].floats;
        EXPECT_FALSE(meet && overlap) << i << " and " << j;
      }
    }
  }
}

TEST(ArenaLayout, RandomLivesNeverOverlap) {
  Random random({.seed = 1, .purpose = RandomPurpose::kTest, .index = 5});
  for (int round = 0; round < 50; ++round) {
    const std::vector<BufferRequest> requests = RandomLives(random, 30, 20, 8);
    std::int64_t total = 0;
    for (const BufferRequest& request : requests) total += (request.floats + 15) / 16 * 16;
    const ArenaLayout layout = LayOutArena(requests);
    EXPECT_LT(layout.floats, total);
    ExpectNoOverlap(requests, layout, 8);
  }
}

TEST(ArenaLayout, ThousandsOfRandomLivesNeverOverlap) {
  Random random({.seed = 1, .purpose = RandomPurpose::kTest, .index = 6});
  const std::vector<BufferRequest> requests = RandomLives(random, 20'000, 5000, 8);
  const ArenaLayout layout = LayOutArena(requests);
  ExpectNoOverlap(requests, layout, 8);
  std::vector<std::int64_t> live(5010, 0);
  for (const BufferRequest& request : requests) {
    for (int t = request.first + 1; t <= request.last + 1; ++t) {
      live[static_cast<std::size_t>(t)] += (request.floats + 15) / 16 * 16;
    }
  }
  EXPECT_LE(layout.floats, 3 * *std::max_element(live.begin(), live.end()) / 2);
}

// Of this process, whatever others have.
double CpuSecondsFor(const std::vector<BufferRequest>& requests) {
  const std::clock_t begin = std::clock();
  LayOutArena(requests);
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// A chain, and what training keeps of one: each activation until its layer's turn backwards.
TEST(ArenaLayout, TakesTimeInProportionToTheBuffers) {
  std::vector<BufferRequest> chain;
  std::vector<BufferRequest> nested;
  constexpr int kCount = 200'000;
  for (int i = 0; i < kCount; ++i) {
    chain.push_back({100 + i % 7, i, i + 1});
    nested.push_back({100 + i % 7, i, 2 * kCount - i});
  }
  EXPECT_LT(CpuSecondsFor(chain), 10.0);
  EXPECT_LT(CpuSecondsFor(nested), 10.0);
  EXPECT_LE(LayOutArena(chain).floats, 4 * 112);
}

TEST(ArenaLayout, RefusesSizesThatOverflow) {
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_THROW(LayOutArena({{huge, 0, 1}, {huge, 0, 1}}), Error);
}

}  // namespace
}  // namespace espalier
