// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "espalier/builder.h"
#include "network/network_state.h"
#include "testing/known_networks.h"
#include "testing/messages.h"

namespace espalier {
namespace {

using testing::MessageOf;

std::vector<std::string> Frozen(const Network& network) {
  std::vector<std::string> names;
  for (const LayerDescription& row : network.Describe()) {
    if (row.is_frozen) {
      names.push_back(row.name);
    }
  }
  return names;
}

std::vector<std::string> Prefix(const Network& network) {
  std::vector<std::string> names;
  const std::vector<char> prefix = FrozenPrefix(*network.state());
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (prefix[i] != 0) {
      names.push_back(network.state()->layers[i].name);
    }
  }
  return names;
}

Network Chain() {
  NetworkBuilder builder(Shape::Vector(4));
  builder.Dense("a", 4).BatchNorm("norm").Relu().Dropout(0.5).Dense("b", 4).Relu();
  builder.Head("h", LabelsTask({"x"}));
  return builder.Build(1);
}

TEST(Freezing, ByNameGlobAndThrough) {
  Network network = Chain();
  network.Freeze({.pattern = "a"});
  EXPECT_EQ(Frozen(network), (std::vector<std::string>{"a"}));
  network.Unfreeze({.pattern = "*"});
  EXPECT_EQ(Frozen(network), std::vector<std::string>());
  network.Freeze({.pattern = "relu?"});
  EXPECT_EQ(Frozen(network), (std::vector<std::string>{"relu1", "relu2"}));
  network.Unfreeze({.pattern = "relu2"});
  network.Freeze({.pattern = "b", .through = true});
  EXPECT_EQ(Frozen(network), (std::vector<std::string>{"a", "norm", "relu1", "dropout1", "b"}));
}

TEST(Freezing, AllPatternsActOrNone) {
  Network network = Chain();
  const std::vector<LayerPattern> typo = {{.pattern = "a"}, {.pattern = "nrom"}};
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.Freeze(typo); });
  EXPECT_EQ(Frozen(network), std::vector<std::string>());
  const std::vector<LayerPattern> both = {{.pattern = "a"}, {.pattern = "norm"}};
  network.Freeze(both);
  EXPECT_EQ(Frozen(network), (std::vector<std::string>{"a", "norm"}));
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.Unfreeze(typo); });
  EXPECT_EQ(Frozen(network), (std::vector<std::string>{"a", "norm"}));
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.Freeze({.pattern = "b"}, true); });
  EXPECT_EQ(Frozen(network), (std::vector<std::string>{"a", "norm"})) << "b is no batch norm";
  network.Unfreeze(both);
  EXPECT_EQ(Frozen(network), std::vector<std::string>());
}

TEST(Freezing, APatternThatMatchesNothingListsNearNames) {
  Network network = Chain();
  const std::string message =
      MessageOf(ErrorCode::kInvalidArgument, [&] { network.Freeze({.pattern = "nrom"}); });
  EXPECT_NE(message.find("did you mean 'norm'"), std::string::npos) << message;
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.Unfreeze({.pattern = ""}); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.Freeze({.pattern = "conv*"}); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.SetLearningRateScale("nothing", 1.0); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { network.SetLearningRateScale("a", -1.0); });
}

TEST(Freezing, MovesTheStructureVersion) {
  Network network = Chain();
  const auto version = [&] { return network.state()->structure_version.load(); };
  std::uint64_t before = version();
  network.Freeze({.pattern = "a"});
  EXPECT_NE(version(), before);
  before = version();
  network.SetLearningRateScale("a", 0.1);
  EXPECT_NE(version(), before);
  before = version();
  network.WriteParameter("b.bias", std::vector<float>(4, 1.0f));
  EXPECT_EQ(version(), before);
  network.WriteParameter("a.bias", std::vector<float>(4, 1.0f));  // frozen: copies are stale
  EXPECT_NE(version(), before);
  before = version();
  network.Unfreeze({.pattern = "a"});
  EXPECT_NE(version(), before);
}

TEST(Freezing, PrefixEndsAtTheFirstLayerThatMayChange) {
  Network network = Chain();
  EXPECT_EQ(Prefix(network), std::vector<std::string>());
  network.Freeze({.pattern = "a"});
  EXPECT_EQ(Prefix(network), (std::vector<std::string>{"a"}));
  network.Freeze({.pattern = "norm"}, true);  // keeps adapting: not a pure function
  EXPECT_EQ(Prefix(network), (std::vector<std::string>{"a"}));
  network.Freeze({.pattern = "norm"});
  EXPECT_EQ(Prefix(network), (std::vector<std::string>{"a", "norm", "relu1"}));
  network.Freeze({.pattern = "b"});  // the dropout before it still draws
  EXPECT_EQ(Prefix(network), (std::vector<std::string>{"a", "norm", "relu1"}));
  network.Freeze({.pattern = "b", .through = true});
  EXPECT_EQ(Prefix(network),
            (std::vector<std::string>{"a", "norm", "relu1", "dropout1", "b", "relu2"}));
  network.Unfreeze({.pattern = "a"});
  EXPECT_EQ(Prefix(network), std::vector<std::string>());
}

TEST(Freezing, AdaptingIsForBatchNormAlone) {
  Network network = Chain();
  network.Freeze({.pattern = "*"}, true);
  for (const LayerDescription& row : network.Describe()) {
    EXPECT_EQ(row.adapts_statistics, row.kind == "batch_norm") << row.name;
  }
  network.Unfreeze({.pattern = "norm"});
  EXPECT_FALSE(network.Describe()[1].adapts_statistics);
}

TEST(Freezing, ThroughAResidualGraphTakesBothPaths) {
  Network network = Network::Build(testing::ResNet18(Shape::Image(3, 32, 32), 10, 8), 1);
  network.Freeze({.pattern = "layer2.0.add", .through = true});
  const std::vector<std::string> frozen = Frozen(network);
  const auto is_frozen = [&](const std::string& name) {
    return std::find(frozen.begin(), frozen.end(), name) != frozen.end();
  };
  EXPECT_TRUE(is_frozen("conv1"));
  EXPECT_TRUE(is_frozen("layer1.1.conv2.bn"));
  EXPECT_TRUE(is_frozen("layer2.0.conv2"));
  EXPECT_TRUE(is_frozen("layer2.0.downsample"));
  EXPECT_FALSE(is_frozen("layer2.0.relu"));
  EXPECT_FALSE(is_frozen("layer2.1.conv1"));
  const std::vector<std::string> prefix = Prefix(network);
  EXPECT_EQ(prefix.back(), "layer2.0.relu");

  // One path of two thaws: what joins them is no longer in the prefix, the other path is.
  network.Unfreeze({.pattern = "layer2.0.downsample"});
  const std::vector<std::string> shorter = Prefix(network);
  EXPECT_NE(std::find(shorter.begin(), shorter.end(), "layer2.0.conv2.bn"), shorter.end());
  EXPECT_EQ(std::find(shorter.begin(), shorter.end(), "layer2.0.add"), shorter.end());
}

}  // namespace
}  // namespace espalier
