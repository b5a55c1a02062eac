// SPDX-License-Identifier: Apache-2.0
#include "layers/slice.h"

#include <gtest/gtest.h>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::LayerReport;

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kEnd = Shape::kMaxElements;

struct Case {
  Shape input;
  Ints begin, end, step;
  std::int64_t batch;
  Shape output;
};

const Case kCases[] = {
    {{1}, {0}, {1}, {1}, 1, {1}},
    {{17}, {3}, {-2}, {1}, 3, {12}},
    {{17}, {-5}, {kEnd}, {2}, 2, {3}},
    {{197, 16}, {0, 0}, {1, kEnd}, {1, 1}, 2, {1, 16}},
    {{5, 33}, {1, 2}, {5, 30}, {2, 3}, 5, {2, 10}},
    {{16, 4, 4}, {0, 0, 0}, {8, kEnd, kEnd}, {1, 1, 1}, 2, {8, 4, 4}},
    {{17, 5, 7}, {8, 1, 0}, {kEnd, -1, kEnd}, {1, 1, 1}, 3, {9, 3, 7}},
    {{3, 8, 9}, {0, 0, 1}, {kEnd, kEnd, kEnd}, {1, 2, 2}, 9, {3, 4, 4}},
    {{4, 3, 2, 5}, {1, -2, 0, 0}, {3, kEnd, 1, kEnd}, {1, 1, 1, 4}, 2, {2, 2, 1, 2}},
    {{2, 31, 33}, {0, 0, 0}, {kEnd, kEnd, kEnd}, {1, 1, 1}, 1, {2, 31, 33}},
    {{64, 7}, {-kEnd, 6}, {kEnd, kEnd}, {63, 1}, 17, {2, 1}},
};

TEST(Slice, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    for (const Layout layout : {Layout::kChannelsLast, Layout::kRowMajor}) {
      SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString(), ", layout ",
                          static_cast<int>(layout)));
      const Slice layer({{"begin", c.begin}, {"end", c.end}, {"step", c.step}});
      const Shape inputs[] = {c.input};
      ASSERT_EQ(layer.OutputShape(inputs), c.output);
      auto values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9);
      values.any_layout = layout;
      const testing::SelectionReference reference([&](std::int64_t output) {
        Ints places = testing::PlacesOf(c.output, output);
        for (std::size_t axis = 0; axis < places.size(); ++axis) {
          const std::int64_t size = c.input[static_cast<int>(axis)];
          const std::int64_t begin = c.begin[axis] < 0 ? c.begin[axis] + size : c.begin[axis];
          places[axis] = std::max<std::int64_t>(0, begin) + places[axis] * c.step[axis];
        }
        return testing::ElementAt(c.input, places);
      });
      const LayerReport report = CheckLayer(layer, reference, values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(Slice, SaysWhatDoesNotFit) {
  const Shape inputs[] = {Shape{4, 5}};
  EXPECT_THROW(Slice({{"begin", Ints{0}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Slice({{"begin", Ints{4, 0}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Slice({{"begin", Ints{2, 0}}, {"end", Ints{2, 5}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Slice({{"begin", Ints{0, 0}}, {"end", Ints{1}}}), Error);
  EXPECT_THROW(Slice({{"begin", Ints{0, 0}}, {"step", Ints{1, 0}}}), Error);
}

TEST(Slice, WorkersShareTheWorkAndGiveTheSameBits) {
  const Slice layer({{"begin", Ints{1, 1}}, {"step", Ints{1, 2}}});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{513, 257}}, 5, Mode::kTraining, 5)),
      "");
}

}  // namespace
}  // namespace espalier
