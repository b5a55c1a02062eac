// SPDX-License-Identifier: Apache-2.0
#include "layers/transpose.h"

#include <gtest/gtest.h>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::LayerReport;

using Ints = std::vector<std::int64_t>;

struct Case {
  Shape input;
  Ints order;
  std::int64_t batch;
  Shape output;
};

const Case kCases[] = {
    {{1}, {0}, 1, {1}},
    {{17}, {0}, 2, {17}},
    {{3, 5}, {1, 0}, 2, {5, 3}},
    {{33, 65}, {1, 0}, 3, {65, 33}},
    {{16, 1}, {1, 0}, 5, {1, 16}},
    {{3, 5, 7}, {2, 0, 1}, 2, {7, 3, 5}},
    {{5, 4, 16}, {1, 0, 2}, 3, {4, 5, 16}},
    {{8, 9, 10}, {2, 1, 0}, 1, {10, 9, 8}},
    {{2, 3, 17, 4}, {0, 2, 1, 3}, 2, {2, 17, 3, 4}},
    {{2, 3, 4, 5}, {3, 2, 1, 0}, 9, {5, 4, 3, 2}},
    {{2, 2, 2, 2, 2, 2, 2, 2}, {7, 0, 6, 1, 5, 2, 4, 3}, 2, {2, 2, 2, 2, 2, 2, 2, 2}},
};

TEST(Transpose, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString()));
    const TransposeLayer layer({{"order", c.order}});
    const Shape inputs[] = {c.input};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    const testing::SelectionReference reference([&](std::int64_t output) {
      const Ints of_output = testing::PlacesOf(c.output, output);
      Ints places(of_output.size());
      for (std::size_t i = 0; i < places.size(); ++i) {
        places[static_cast<std::size_t>(c.order[i])] = of_output[i];
      }
      return testing::ElementAt(c.input, places);
    });
    const LayerReport report = CheckLayer(
        layer, reference, testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(Transpose, WantsAPermutation) {
  for (const Ints& order : {Ints{0, 0}, Ints{1}, Ints{0, 2}, Ints{-1, 0}}) {
    EXPECT_THROW(TransposeLayer({{"order", order}}), Error);
  }
  const Shape inputs[] = {Shape{4, 5}};
  EXPECT_THROW(TransposeLayer({{"order", Ints{0, 2, 1}}}).OutputShape(inputs), Error);
}

TEST(Transpose, WorkersShareTheWorkAndGiveTheSameBits) {
  const TransposeLayer layer({{"order", Ints{1, 0}}});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{197, 192}}, 3, Mode::kTraining, 5)),
      "");
}

}  // namespace
}  // namespace espalier
