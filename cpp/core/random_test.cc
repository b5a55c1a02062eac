// SPDX-License-Identifier: Apache-2.0
#include "core/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <string_view>
#include <vector>

#include "espalier/error.h"

namespace espalier {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Known answers published with Random123 (kat_vectors, philox4x32 10).
TEST(Random, GivesThePublishedAnswers) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, EveryPartOfTheKeyMakesAnotherStream) {
  const RandomKey key{.seed = 1, .purpose = RandomPurpose::kTest, .index = 2, .subindex = 3};
  std::set<Words> blocks{RandomBlock(key, 0), RandomBlock(key, 1)};
  RandomKey other = key;
  other.seed = std::uint64_t{1} << 32 | 1;
  blocks.insert(RandomBlock(other, 0));
  other = key;
  other.purpose = RandomPurpose::kDropout;
  blocks.insert(RandomBlock(other, 0));
  other = key;
  other.index = 3;
  blocks.insert(RandomBlock(other, 0));
  other = key;
  other.subindex = 4;
  blocks.insert(RandomBlock(other, 0));
  EXPECT_EQ(blocks.size(), 6u);
}

TEST(Random, ReaderFollowsTheBlocks) {
  const RandomKey key{.seed = 9};
  Random random(key);
  for (std::uint32_t block = 0; block < 3; ++block) {
    for (const std::uint32_t word : RandomBlock(key, block)) EXPECT_EQ(random.NextUint32(), word);
  }
}

TEST(Random, MomentsAreThoseOfTheDistributions) {
  Random random({.seed = 5});
  constexpr int kCount = 200000;
  double sum = 0.0;
  double squares = 0.0;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.NextUniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }
  EXPECT_NEAR(sum / kCount, 0.5, 4 * 0.2887 / std::sqrt(kCount));
  sum = 0.0;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.NextNormal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 4 / std::sqrt(kCount));
  EXPECT_NEAR(squares / kCount, 1.0, 4 * std::sqrt(2.0 / kCount));
}

TEST(Random, BoundedNumbersCoverTheRangeEvenly) {
  Random random({.seed = 6});
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[static_cast<std::size_t>(random.NextBelow(7))];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(random.NextBelow(1), 0u);
  EXPECT_THROW(random.NextBelow(0), Error);
}

TEST(Random, HashOfNamesIsFnv1a) {
  constexpr std::string_view kName = "foobar";
  EXPECT_EQ(HashName(kName.data(), kName.data() + kName.size()), 0xbf9cf968u);
  EXPECT_EQ(HashName(kName.data(), kName.data()), 0x811c9dc5u);
}

}  // namespace
}  // namespace espalier
