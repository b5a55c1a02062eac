// SPDX-License-Identifier: Apache-2.0
#include "testing/known_networks.h"

#include <gtest/gtest.h>

#include <map>

#include "network/graph.h"
#include "network/describe.h"
#include "testing/transformer_networks.h"

namespace espalier {
namespace {

struct Summary {
  std::int64_t parameters = 0;
  std::map<std::string, Shape> shapes;
};

Summary Summarize(const NetworkSpec& spec) {
  Summary summary;
  const auto network = BuildGraph(spec);
  for (const LayerDescription& row : LayerRows(*network)) {
    summary.parameters += row.parameter_count;
    summary.shapes.emplace(row.name, row.output);
  }
  return summary;
}

TEST(KnownNetworks, ResNet18HasTorchvisionsShapes) {
  const Summary summary = Summarize(testing::ResNet18());
  EXPECT_EQ(summary.parameters, 11'689'512);
  EXPECT_EQ(summary.shapes.at("conv1"), Shape::Image(64, 112, 112));
  EXPECT_EQ(summary.shapes.at("maxpool"), Shape::Image(64, 56, 56));
  EXPECT_EQ(summary.shapes.at("layer1.1.relu"), Shape::Image(64, 56, 56));
  EXPECT_EQ(summary.shapes.at("layer2.1.relu"), Shape::Image(128, 28, 28));
  EXPECT_EQ(summary.shapes.at("layer3.1.relu"), Shape::Image(256, 14, 14));
  EXPECT_EQ(summary.shapes.at("layer4.1.relu"), Shape::Image(512, 7, 7));
  EXPECT_EQ(summary.shapes.at("avgpool"), Shape::Vector(512));
  EXPECT_EQ(summary.shapes.at("heads.classes.dense"), Shape::Vector(1000));
}

TEST(KnownNetworks, MobileNetV2HasTorchvisionsShapes) {
  const Summary summary = Summarize(testing::MobileNetV2());
  EXPECT_EQ(summary.parameters, 3'504'872);
  EXPECT_EQ(summary.shapes.at("features.0"), Shape::Image(32, 112, 112));
  EXPECT_EQ(summary.shapes.at("features.1.project.bn"), Shape::Image(16, 112, 112));
  EXPECT_EQ(summary.shapes.at("features.3.add"), Shape::Image(24, 56, 56));
  EXPECT_EQ(summary.shapes.at("features.6.add"), Shape::Image(32, 28, 28));
  EXPECT_EQ(summary.shapes.at("features.10.add"), Shape::Image(64, 14, 14));
  EXPECT_EQ(summary.shapes.at("features.17.project"), Shape::Image(320, 7, 7));
  EXPECT_EQ(summary.shapes.at("features.18"), Shape::Image(1280, 7, 7));
  EXPECT_EQ(summary.shapes.at("heads.classes.dense"), Shape::Vector(1000));
}

// As transformers counts them without the pooler, which sentence encoders don't use.
TEST(KnownNetworks, MiniLmHasItsPublishedSize) {
  const Summary summary = Summarize(testing::Bert({}).Head("x", ValuesTask({"a"})).spec());
  EXPECT_EQ(summary.parameters - 385, 22'565'376);
  EXPECT_EQ(summary.shapes.at("words"), (Shape{128, 384}));
  EXPECT_EQ(summary.shapes.at("block1.qkv"), (Shape{128, 1152}));
  EXPECT_EQ(summary.shapes.at("block6.hidden"), (Shape{128, 1536}));
  EXPECT_EQ(summary.shapes.at("block6.norm2"), (Shape{128, 384}));
  EXPECT_EQ(summary.shapes.at("features"), Shape::Vector(384));
}

}  // namespace
}  // namespace espalier
