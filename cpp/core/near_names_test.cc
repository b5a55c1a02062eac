// SPDX-License-Identifier: Apache-2.0
#include "core/near_names.h"

#include <gtest/gtest.h>

#include <vector>

namespace espalier {
namespace {

TEST(NearNames, DistanceCountsEdits) {
  EXPECT_EQ(EditDistance("conv1", "conv1", 3), 0u);
  EXPECT_EQ(EditDistance("conv1", "conv2", 3), 1u);
  EXPECT_EQ(EditDistance("cnov1", "conv1", 3), 1u);
  EXPECT_EQ(EditDistance("", "abc", 3), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 5), 3u);
}

TEST(NearNames, DistanceStopsAtItsLimit) {
  EXPECT_EQ(EditDistance("abcdef", "uvwxyz", 2), 3u);
  EXPECT_EQ(EditDistance("a", "abcdefgh", 2), 3u);
}

TEST(NearNames, SuggestsTheNearestFirst) {
  const std::vector<std::string> known = {"dense1", "features", "conv22", "conv2", "relu1"};
  EXPECT_EQ(DidYouMean("conv3", known), "; did you mean 'conv2'?");
  EXPECT_EQ(DidYouMean("featurs", known), "; did you mean 'features'?");
  EXPECT_EQ(DidYouMean("conv2x", known), "; did you mean 'conv22' or 'conv2'?");
}

TEST(NearNames, IgnoresWildcardsAndFindsParts) {
  const std::vector<std::string> known = {"heads.garment.dense", "conv1"};
  EXPECT_EQ(DidYouMean("garment", known), "; did you mean 'heads.garment.dense'?");
  EXPECT_EQ(DidYouMean("cnv*", known), "");
  EXPECT_EQ(DidYouMean("conb1*", known), "; did you mean 'conv1'?");
}

TEST(NearNames, SaysNothingWhenNothingIsNear) {
  const std::vector<std::string> known = {"conv1"};
  EXPECT_EQ(DidYouMean("transformer", known), "");
  EXPECT_EQ(DidYouMean("", known), "");
  EXPECT_EQ(DidYouMean(std::string(10000, 'c'), known), "");
}

TEST(NearNames, ListsWhatThereIsWhereNothingIsNear) {
  const std::vector<std::string> one = {"garment"};
  EXPECT_EQ(NamesInstead("garmnt", one), "; did you mean 'garment'?");
  EXPECT_EQ(NamesInstead("nose", one), "; there is 'garment'");
  const std::vector<std::string> two = {"garment", "side"};
  EXPECT_EQ(NamesInstead("xxxx", two), "; there are 'garment' and 'side'");
  EXPECT_EQ(NamesInstead("nose", {}), "; there is none");
  const std::vector<std::string> many(10, "garment");
  EXPECT_TRUE(NamesInstead("nose", many).ends_with("'garment' and 3 more"));
}

}  // namespace
}  // namespace espalier
