// SPDX-License-Identifier: Apache-2.0
#include "layers/expand.h"

#include <gtest/gtest.h>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::LayerReport;

using Ints = std::vector<std::int64_t>;

struct Case {
  Shape input;
  Ints shape;
  std::int64_t batch;
  Shape output;
};

const Case kCases[] = {
    {{1}, {1}, 1, {1}},
    {{1}, {17}, 2, {17}},
    {{5}, {3, 5}, 3, {3, 5}},
    {{5, 1}, {5, 16}, 2, {5, 16}},
    {{16, 1, 1}, {-1, 7, 7}, 2, {16, 7, 7}},
    {{1, 33}, {9, -1}, 5, {9, 33}},
    {{3, 1, 4}, {2, 3, 5, 4}, 9, {2, 3, 5, 4}},
    {{2, 1, 1, 3}, {2, 4, 5, 3}, 2, {2, 4, 5, 3}},
    {{31, 33}, {31, 33}, 2, {31, 33}},
    {{1, 1, 1}, {4, 3, 2, 65}, 2, {4, 3, 2, 65}},
    {{2, 1, 3, 1}, {2, 2, 3, 2}, 17, {2, 2, 3, 2}},
};

TEST(Expand, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString()));
    const Expand layer({{"shape", c.shape}});
    const Shape inputs[] = {c.input};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    const testing::SelectionReference reference([&](std::int64_t output) {
      const Ints of_output = testing::PlacesOf(c.output, output);
      Ints places(static_cast<std::size_t>(c.input.rank()));
      for (std::size_t i = 0; i < places.size(); ++i) {
        const bool is_repeated = c.input[static_cast<int>(i)] == 1;
        places[i] = is_repeated ? 0 : of_output[of_output.size() - places.size() + i];
      }
      return testing::ElementAt(c.input, places);
    });
    const LayerReport report = CheckLayer(
        layer, reference, testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(Expand, SaysWhatDoesNotFit) {
  const Shape inputs[] = {Shape{4, 1}};
  for (const Ints& shape : {Ints{5, 2}, Ints{4}, Ints{-1, 4, 2}, Ints{1, 2}}) {
    EXPECT_THROW(Expand({{"shape", shape}}).OutputShape(inputs), Error);
  }
  EXPECT_THROW(Expand({{"shape", Ints{0}}}), Error);
  EXPECT_THROW(Expand({{"shape", Ints{}}}), Error);
}

TEST(Expand, WorkersShareTheWorkAndGiveTheSameBits) {
  const Expand layer({{"shape", Ints{64, 33, 35}}});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{64, 1, 1}}, 5, Mode::kTraining, 5)),
      "");
}

}  // namespace
}  // namespace espalier
