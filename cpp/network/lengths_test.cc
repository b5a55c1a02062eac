// SPDX-License-Identifier: Apache-2.0
#include "network/lengths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "network/network_state.h"
#include "testing/layer_spec.h"
#include "testing/transformer_networks.h"

namespace espalier {
namespace {

using testing::Spec;

const InputSpec kIds = {.name = "ids", .shape = Shape{12}, .type = ElementType::kInt32};
const InputSpec kCount = {.name = "count", .shape = Shape{1}, .type = ElementType::kInt32};

LayerSpec Words(const char* name = "words", const char* input = "ids") {
  return Spec("embedding", {{"count", std::int64_t{9}}, {"width", std::int64_t{4}}}, name, {input});
}

Network Finish(NetworkBuilder builder) { return builder.Head("x", ValuesTask({"a"})).Build(1); }

// Names of the values whose length varies, each with what counts its positions.
std::vector<std::string> Varying(const Network& network) {
  const NetworkState& state = *network.state();
  std::vector<std::string> names;
  for (int v = 0; v < static_cast<int>(state.values.size()); ++v) {
    const Length& length = state.value(v).length;
    EXPECT_EQ(length.all, state.value(v).shape[0]);
    if (length.varies())
      names.push_back(state.value_name(v) + ":" + state.value_name(length.input));
  }
  return names;
}

TEST(Lengths, OfATransformerAllUpToItsPooling) {
  const testing::BertSizes sizes = {.length = 12,
                                    .vocabulary = 9,
                                    .positions = 16,
                                    .layers = 2,
                                    .width = 8,
                                    .heads = 2,
                                    .feed_forward = 16};
  const Network network = Finish(testing::Bert(sizes));
  const std::vector<std::string> varying = Varying(network);
  const NetworkState& state = *network.state();
  // All but the number itself, what pooling makes, and the head.
  EXPECT_EQ(varying.size(), state.values.size() - 3);
  EXPECT_TRUE(std::all_of(varying.begin(), varying.end(), [](const std::string& name) {
    return name.substr(name.find(':')) == ":lengths";
  }));
}

TEST(Lengths, OfTwoTextsEachItsOwn) {
  NetworkBuilder builder({kIds,
                          kCount,
                          {.name = "others", .shape = Shape{7}, .type = ElementType::kInt32},
                          {.name = "counted", .shape = Shape{1}, .type = ElementType::kInt32}});
  builder.Layer(Words()).Layer(Words("replies", "others"));
  builder.Layer(Spec("attention", {{"heads", std::int64_t{1}}}, "cross",
                     {"words", "replies", "replies", "counted"}));
  builder.Layer(Spec("token_pool", "pool", {"cross", "count"}));
  EXPECT_EQ(Varying(Finish(std::move(builder))),
            (std::vector<std::string>{"ids:count", "others:counted", "words:count",
                                      "replies:counted", "cross:count"}));
}

TEST(Lengths, StayWholeWhereSomethingReadsOrMakesAllPositions) {
  const auto with = [](const std::vector<LayerSpec>& layers) {
    NetworkBuilder builder({kIds, kCount});
    builder.Layer(Words());
    for (const LayerSpec& layer : layers) builder.Layer(layer);
    return Varying(Finish(std::move(builder)));
  };
  const LayerSpec pool = Spec("token_pool", "pool", {"words", "count"});
  EXPECT_EQ(with({pool}), (std::vector<std::string>{"ids:count", "words:count"}));
  const Attributes gru = {{"hidden", std::int64_t{3}}};
  EXPECT_EQ(with({Spec("gru", gru, "read", {"words", "count"}),
                  Spec("token_pool", "pool", {"read", "count"})}),
            (std::vector<std::string>{"ids:count", "words:count", "read:count"}));
  // No number says how many count.
  EXPECT_TRUE(with({Spec("token_pool", "pool", {"words"})}).empty());
  // A convolution mixes positions; a dense layer reads them all; softmax is along them.
  const Attributes conv = {{"channels", std::int64_t{12}}, {"kernel", std::int64_t{3}}};
  EXPECT_TRUE(with({Spec("conv1d", conv, "mixed", {"words"}),
                    Spec("token_pool", "pool", {"mixed", "count"})})
                  .empty());
  EXPECT_TRUE(with({pool, Spec("dense", {{"units", std::int64_t{3}}}, "all", {"words"}),
                    Spec("concat", "both", {"pool", "all"})})
                  .empty());
  // As many positions in the end, but others than those that came in.
  EXPECT_TRUE(
      with({Spec("transpose", {{"order", std::vector<std::int64_t>{1, 0}}}, "turned", {"words"}),
            Spec("token_pool", "pool", {"words", "count"}), Spec("flatten", "flat", {"turned"}),
            Spec("concat", "both", {"pool", "flat"})})
          .empty());
}

TEST(Lengths, StayWholeWhereTwoNumbersCount) {
  NetworkBuilder builder(
      {kIds, kCount, {.name = "other", .shape = Shape{1}, .type = ElementType::kInt32}});
  builder.Layer(Words());
  builder.Layer(Spec("token_pool", "first", {"words", "count"}));
  builder.Layer(Spec("token_pool", "second", {"words", "other"}));
  builder.Add("sum", "first", "second");
  EXPECT_TRUE(Varying(Finish(std::move(builder))).empty());
}

TEST(Lengths, CutWhatTheyCount) {
  BatchLengths lengths;
  lengths.Set(2, 5);
  const Length length = {.input = 2, .all = 12};
  EXPECT_EQ(length.In(&lengths), 5);
  EXPECT_EQ(length.Cut(48, &lengths), 20);
  EXPECT_EQ(length.Cut(Shape({12, 4}), &lengths), Shape({5, 4}));
  EXPECT_EQ(length.In(nullptr), 12);
  EXPECT_EQ(length.Cut(48, nullptr), 48);
  lengths.Set(2, 0);  // of an empty text one position is computed, and does not count
  EXPECT_EQ(length.In(&lengths), 1);
  lengths.Set(2, 99);
  EXPECT_EQ(length.In(&lengths), 12);
  EXPECT_EQ((Length{.input = -1, .all = 12}.Cut(48, &lengths)), 48);
}

}  // namespace
}  // namespace espalier
