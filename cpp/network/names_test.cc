// SPDX-License-Identifier: Apache-2.0
#include "network/names.h"

#include <gtest/gtest.h>

#include "espalier/error.h"

namespace espalier {
namespace {

TEST(Names, GlobMatches) {
  EXPECT_TRUE(MatchesGlob("conv1", "conv1"));
  EXPECT_TRUE(MatchesGlob("conv*", "conv1"));
  EXPECT_TRUE(MatchesGlob("conv*", "conv"));
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_TRUE(MatchesGlob("*.conv?.*", "layer1.0.conv2.bn"));
  EXPECT_TRUE(MatchesGlob("a*b*c", "aXbYbZc"));
  EXPECT_TRUE(MatchesGlob("**", "x"));
}

TEST(Names, GlobDoesNotMatch) {
  EXPECT_FALSE(MatchesGlob("conv", "conv1"));
  EXPECT_FALSE(MatchesGlob("conv?", "conv"));
  EXPECT_FALSE(MatchesGlob("conv?", "conv10"));
  EXPECT_FALSE(MatchesGlob("a*b", "abc"));
  EXPECT_FALSE(MatchesGlob("", "a"));
  EXPECT_FALSE(MatchesGlob("conv.", "conv1"));  // no regular expressions
}

TEST(Names, LegalNames) {
  EXPECT_NO_THROW(CheckName("layer", "conv1"));
  EXPECT_NO_THROW(CheckName("layer", "layer1.0-x_Y"));
  EXPECT_NO_THROW(CheckName("layer", std::string(128, 'a')));
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("conv*"), std::string("input"),
        std::string("gr\xc3\xbc"), std::string("a\0b", 3), std::string(129, 'a')}) {
    EXPECT_THROW(CheckName("layer", name), Error) << name;
  }
}

TEST(Names, AutomaticNamesStepAroundTakenOnes) {
  NameCounter counter;
  EXPECT_EQ(counter.Next("relu", "", {"relu2"}), "relu1");
  EXPECT_EQ(counter.Next("relu", "", {"relu2"}), "relu3");
  EXPECT_EQ(counter.Next("dense", "heads.a.", {}), "heads.a.dense1");
}

}  // namespace
}  // namespace espalier
