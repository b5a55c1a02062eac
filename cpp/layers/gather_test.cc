// SPDX-License-Identifier: Apache-2.0
#include "layers/gather.h"

#include <gtest/gtest.h>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::LayerReport;

using Ints = std::vector<std::int64_t>;

struct Case {
  Shape input;
  Ints indices;
  std::int64_t axis;
  std::int64_t batch;
  Shape output;
};

const Case kCases[] = {
    {{1}, {0}, 0, 1, {1}},
    {{5}, {4, 0, 0, -1}, 0, 3, {4}},
    {{17}, {3}, -1, 2, {1}},
    {{4, 16}, {2, 1}, 0, 5, {2, 16}},
    {{4, 16}, {15, 3, 3, -16, 8}, 1, 2, {4, 5}},
    {{8, 3, 3}, {0, 4, 1, 5, 2, 6, 3, 7}, 0, 2, {8, 3, 3}},
    {{17, 5, 7}, {6, 0}, 2, 3, {17, 5, 2}},
    {{3, 9, 33}, {1, 1, 1}, 1, 9, {3, 3, 33}},
    {{2, 3, 4, 5}, {-1, 0}, -2, 2, {2, 3, 2, 5}},
    {{64, 31}, {63, 62, 61, 1}, 0, 17, {4, 31}},
};

TEST(Gather, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    for (const Layout layout : {Layout::kChannelsLast, Layout::kRowMajor}) {
      SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString(), ", layout ",
                          static_cast<int>(layout)));
      const Gather layer({{"indices", c.indices}, {"axis", c.axis}});
      const Shape inputs[] = {c.input};
      ASSERT_EQ(layer.OutputShape(inputs), c.output);
      auto values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9);
      values.any_layout = layout;
      const std::int64_t axis = c.axis < 0 ? c.axis + c.input.rank() : c.axis;
      const testing::SelectionReference reference([&](std::int64_t output) {
        Ints places = testing::PlacesOf(c.output, output);
        std::int64_t& place = places[static_cast<std::size_t>(axis)];
        place = c.indices[static_cast<std::size_t>(place)];
        if (place < 0) place += c.input[static_cast<int>(axis)];
        return testing::ElementAt(c.input, places);
      });
      const LayerReport report = CheckLayer(layer, reference, values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(Gather, RefusesPlacesThatAreNotThere) {
  const Shape inputs[] = {Shape{4, 5}};
  EXPECT_THROW(Gather({{"indices", Ints{4}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Gather({{"indices", Ints{-5}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Gather({{"indices", Ints{0}}, {"axis", std::int64_t{2}}}).OutputShape(inputs),
               Error);
  EXPECT_THROW(Gather({{"indices", Ints{}}}), Error);
}

TEST(Gather, WorkersShareTheWorkAndGiveTheSameBits) {
  const Gather layer({{"indices", Ints{5, 1, 5, 0}}, {"axis", std::int64_t{1}}});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{33, 7, 65}}, 9, Mode::kTraining, 5)),
      "");
}

}  // namespace
}  // namespace espalier
