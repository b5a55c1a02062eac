// SPDX-License-Identifier: Apache-2.0
#include "inference/length_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "espalier/builder.h"
#include "testing/layer_spec.h"

namespace espalier {
namespace {

using testing::Spec;

Network Texts(std::int64_t longest) {
  NetworkBuilder builder({{.name = "ids", .shape = Shape{longest}, .type = ElementType::kInt32},
                          {.name = "count", .shape = Shape{1}, .type = ElementType::kInt32}});
  builder.Layer(Spec("embedding", {{"count", std::int64_t{9}}, {"width", std::int64_t{4}}}, "words",
                     {"ids"}));
  builder.Layer(Spec("token_pool", "pool", {"words", "count"}));
  return builder.Head("x", ValuesTask({"a"})).Build(1);
}

using Pieces = std::vector<std::vector<std::int64_t>>;

Pieces PiecesOf(const std::vector<std::int32_t>& counts, std::int64_t most) {
  constexpr std::int64_t kLongest = 200;
  const Network network = Texts(kLongest);
  const std::vector<InputFormat> formats = InputFormats(*network.state());
  const auto batch = static_cast<std::int64_t>(counts.size());
  const std::vector<std::int32_t> ids(static_cast<std::size_t>(batch * kLongest), 1);
  const std::vector<InputData> data = {std::span<const std::int32_t>(ids),
                                       std::span<const std::int32_t>(counts)};
  const InputPointers inputs(formats, "test", batch, Inputs(std::span<const InputData>(data)));
  LengthOrder order(inputs, 0, batch);
  Pieces pieces;
  for (auto piece = order.NextPiece(most); !piece.empty(); piece = order.NextPiece(most)) {
    pieces.emplace_back(piece.begin(), piece.end());
  }
  return pieces;
}

TEST(LengthOrder, ExamplesOfOneLengthStayInTheirOrder) {
  EXPECT_EQ(PiecesOf({50, 50, 50, 50, 50}, 2), (Pieces{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(PiecesOf({7}, 9), (Pieces{{0}}));
}

TEST(LengthOrder, ShortOnesDoNotPayForLongOnes) {
  EXPECT_EQ(PiecesOf({10, 200, 12, 190, 11}, 9), (Pieces{{1, 3}, {2, 4, 0}}));
}

TEST(LengthOrder, LittlePaddingIsFree) {
  EXPECT_EQ(PiecesOf({4, 20, 4}, 9), (Pieces{{1, 0, 2}}));
  EXPECT_EQ(PiecesOf({4, 20, 4, 4}, 9), (Pieces{{1, 0, 2}, {3}}));
}

TEST(LengthOrder, EachExampleComesOnce) {
  std::vector<std::int32_t> counts(LengthOrder::kMost);
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] = static_cast<std::int32_t>(i * 37 % 201);
  std::vector<std::int64_t> seen;
  std::int32_t last = 200;
  for (const std::vector<std::int64_t>& piece : PiecesOf(counts, 16)) {
    EXPECT_LE(piece.size(), 16u);
    for (const std::int64_t example : piece) {
      const std::int32_t count = counts[static_cast<std::size_t>(example)];
      EXPECT_LE(count, last);
      last = count;
      seen.push_back(example);
    }
  }
  std::sort(seen.begin(), seen.end());
  std::vector<std::int64_t> all(counts.size());
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(seen, all);
}

}  // namespace
}  // namespace espalier
