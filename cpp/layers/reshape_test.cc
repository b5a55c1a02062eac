// SPDX-License-Identifier: Apache-2.0
#include "layers/reshape.h"

#include <gtest/gtest.h>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::LayerReport;

using Ints = std::vector<std::int64_t>;

struct Case {
  Shape input;
  Ints list;  // the shape, or the axes
  std::int64_t batch;
  Shape output;
};

void Check(const Layer& layer, const Case& c) {
  SCOPED_TRACE(Concat(layer.kind(), " of ", c.input.ToString(), " to ", c.output.ToString()));
  const Shape inputs[] = {c.input};
  ASSERT_EQ(layer.OutputShape(inputs), c.output);
  const LayerReport report =
      CheckLayer(layer, testing::SelectionReference([](std::int64_t output) { return output; }),
                 testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9));
  EXPECT_TRUE(report.problems.empty()) << report.Summary();
  EXPECT_GT(report.checked, 0u);
}

TEST(Reshape, MatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{1}, {1, 1}, 1, {1, 1}},
      {{12}, {3, 4}, 2, {3, 4}},
      {{3, 5, 7}, {-1}, 3, {105}},
      {{16, 4, 4}, {16, -1}, 2, {16, 16}},
      {{6, 35}, {7, -1, 5}, 5, {7, 6, 5}},
      {{2, 3, 4}, {4, 3, 2}, 9, {4, 3, 2}},
      {{17, 1}, {1, 17}, 1, {1, 17}},
      {{64, 3}, {2, 2, 2, 2, 2, 2, 3}, 2, {2, 2, 2, 2, 2, 2, 3}},
      {{33, 31}, {-1, 33}, 4, {31, 33}},
      {{1, 1, 1}, {-1}, 17, {1}},
  };
  for (const Case& c : cases) Check(Reshape({{"shape", c.list}}), c);
}

TEST(Squeeze, MatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{1}, {}, 2, {1}},
      {{1, 1, 1}, {}, 1, {1}},
      {{3, 1, 5}, {}, 2, {3, 5}},
      {{3, 1, 1, 5}, {1}, 3, {3, 1, 5}},
      {{3, 1, 1, 5}, {-2, 1}, 3, {3, 5}},
      {{1, 17}, {0}, 9, {17}},
      {{16, 1}, {-1}, 5, {16}},
      {{1, 31, 33}, {0}, 2, {31, 33}},
      {{7, 7}, {}, 2, {7, 7}},
      {{64, 1, 1}, {1, 2}, 17, {64}},
  };
  for (const Case& c : cases) Check(Squeeze({{"axes", c.list}}), c);
}

TEST(Unsqueeze, MatchesReferenceAndItsGradient) {
  const Case cases[] = {
      {{1}, {0}, 1, {1, 1}},
      {{17}, {0}, 2, {1, 17}},
      {{17}, {1}, 3, {17, 1}},
      {{17}, {-1}, 2, {17, 1}},
      {{3, 5}, {1}, 5, {3, 1, 5}},
      {{3, 5}, {0, -1}, 2, {1, 3, 5, 1}},
      {{64}, {1, 2}, 9, {64, 1, 1}},
      {{4, 4, 4}, {3}, 2, {4, 4, 4, 1}},
      {{31, 33}, {-3}, 2, {1, 31, 33}},
      {{2, 2}, {0, 2, 4}, 17, {1, 2, 1, 2, 1}},
  };
  for (const Case& c : cases) Check(Unsqueeze({{"axes", c.list}}), c);
}

TEST(Reshape, SaysWhatDoesNotFit) {
  const Shape inputs[] = {Shape{4, 5}};
  for (const Ints& shape : {Ints{21}, Ints{3, -1}, Ints{40, -1}, Ints{-1, 4, 10}}) {
    EXPECT_THROW(Reshape({{"shape", shape}}).OutputShape(inputs), Error);
  }
  EXPECT_THROW(Reshape({{"shape", Ints{-1, -1}}}), Error);
  EXPECT_THROW(Reshape({{"shape", Ints{0, 20}}}), Error);
  EXPECT_THROW(Reshape({{"shape", Ints{}}}), Error);
  EXPECT_THROW(Squeeze({{"axes", Ints{0}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Squeeze({{"axes", Ints{2}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Unsqueeze({{"axes", Ints{3}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Unsqueeze({{"axes", Ints{0, -4}}}).OutputShape(inputs), Error);
}

TEST(Reshape, WorkersShareTheWorkAndGiveTheSameBits) {
  const Reshape layer({{"shape", Ints{-1}}});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{65, 257}}, 9, Mode::kTraining, 5)),
      "");
}

}  // namespace
}  // namespace espalier
