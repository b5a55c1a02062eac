// SPDX-License-Identifier: Apache-2.0
#include "core/arena_layout.h"

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

TEST(ArenaLayout, RandomLivesNeverOverlap) {
  Random random({.seed = 1, .purpose = RandomPurpose::kTest, .index = 5});
  for (int round = 0; round < 50; ++round) {
    std::vector<BufferRequest> requests;
    std::int64_t total = 0;
    for (int i = 0; i < 30; ++i) {
      const int first = static_cast<int>(random.NextBelow(20)) - 1;
      const int last = first + static_cast<int>(random.NextBelow(8));
      requests.push_back({static_cast<std::int64_t>(random.NextBelow(300)), first, last});
      total += (requests.back().floats + 15) / 16 * 16;
    }
    const ArenaLayout layout = LayOutArena(requests);
    EXPECT_LT(layout.floats, total);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(layout.offsets[i] % 16, 0);
      EXPECT_LE(layout.offsets[i] + requests[i].floats, layout.floats);
      for (std::size_t j = 0; j < i; ++j) {
        const bool meet =
            requests[i].first <= requests[j].last && requests[j].first <= requests[i].last;
        const bool overlap = layout.offsets[i] < layout.offsets[j] + requests[j].floats &&
                             layout.offsets[j] < layout.offsets[i] + requests[i].floats;
        EXPECT_FALSE(meet && overlap) << i << " and " << j;
      }
    }
  }
}

TEST(ArenaLayout, RefusesSizesThatOverflow) {
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_THROW(LayOutArena({{huge, 0, 1}, {huge, 0, 1}}), Error);
}

}  // namespace
}  // namespace espalier
