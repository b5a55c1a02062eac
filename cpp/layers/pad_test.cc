// SPDX-License-Identifier: Apache-2.0
#include "layers/pad.h"

#include <gtest/gtest.h>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::LayerReport;

using Ints = std::vector<std::int64_t>;

// Of an output, the input that it repeats, or -1.
std::int64_t SourceOf(const Shape& in, const Shape& out, const Ints& before,
                      const std::string& mode, std::int64_t output) {
  Ints places = testing::PlacesOf(out, output);
  for (std::size_t axis = 0; axis < places.size(); ++axis) {
    const std::int64_t last = in[static_cast<int>(axis)] - 1;
    std::int64_t& place = places[axis];
    place -= before[axis];
    if (place >= 0 && place <= last) continue;
    if (mode == "constant") return -1;
    const std::int64_t edge = place < 0 ? 0 : last;
    place = mode == "edge" ? edge : 2 * edge - place;
  }
  return testing::ElementAt(in, places);
}

struct Case {
  Shape input;
  Ints before, after;
  std::int64_t batch;
  Shape output;
};

const Case kCases[] = {
    {{2}, {1}, {0}, 1, {3}},
    {{17}, {5}, {16}, 3, {38}},
    {{5, 3}, {2, 0}, {1, 2}, 2, {8, 5}},
    {{4, 16}, {0, 3}, {0, 0}, 5, {4, 19}},
    {{3, 5, 7}, {0, 1, 1}, {0, 1, 1}, 2, {3, 7, 9}},
    {{1, 4, 4}, {0, 3, 2}, {0, 0, 3}, 1, {1, 7, 9}},
    {{16, 3, 2}, {0, 0, 1}, {0, 2, 0}, 9, {16, 5, 3}},
    {{17, 9, 6}, {3, 2, 1}, {1, 0, 5}, 2, {21, 11, 12}},
    {{2, 3, 2, 4}, {1, 2, 0, 3}, {0, 0, 1, 2}, 2, {3, 5, 3, 9}},
    {{2, 2, 2, 2, 2}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, 1, {4, 4, 4, 4, 4}},
    {{8, 31, 33}, {0, 0, 0}, {0, 0, 0}, 2, {8, 31, 33}},
};

TEST(Pad, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    for (const char* mode : {"constant", "reflect", "edge"}) {
      SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString(), ", ", mode));
      const Pad layer({{"before", c.before}, {"after", c.after}, {"mode", mode}, {"value", 0.75}});
      const Shape inputs[] = {c.input};
      ASSERT_EQ(layer.OutputShape(inputs), c.output);
      const LayerReport report =
          CheckLayer(layer,
                     testing::SelectionReference(
                         [&](std::int64_t output) {
                           return SourceOf(c.input, c.output, c.before, mode, output);
                         },
                         0.75),
                     testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9));
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(Pad, OneElementCanBeRepeatedButNotReflected) {
  const Shape inputs[] = {Shape::Image(1, 1, 3)};
  const Attributes attributes = {{"before", Ints{0, 2, 0}}};
  EXPECT_EQ(Pad(attributes).OutputShape(inputs), Shape({1, 5, 3}));
  Attributes reflected = attributes;
  reflected["mode"] = "reflect";
  EXPECT_THROW(Pad(reflected).OutputShape(inputs), Error);
}

TEST(Pad, WantsANumberForEachDimension) {
  const Shape inputs[] = {Shape::Image(2, 3, 3)};
  EXPECT_THROW(Pad({{"before", Ints{1, 1}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Pad({{"before", Ints{1, 1}}, {"after", Ints{1}}}), Error);
  EXPECT_THROW(Pad({{"before", Ints{1, -1}}}), Error);
  EXPECT_THROW(Pad({{"before", Ints{1}}, {"mode", "wrap"}}), Error);
}

TEST(Pad, WorkersShareTheWorkAndGiveTheSameBits) {
  const Pad layer({{"before", Ints{0, 3, 3}}, {"mode", "reflect"}});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {Shape::Image(33, 31, 35)}, 5,
                                                            Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
