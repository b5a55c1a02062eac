// SPDX-License-Identifier: Apache-2.0
#include "layers/cast.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerReport;
using testing::LayerValues;

Cast CastTo(const std::string& to) { return Cast(Attributes{{"to", to}}); }

LayerValues ValuesOf(const Layer& layer, const Doubles& numbers) {
  LayerValues values = testing::MakeLayerValues(
      layer, {Shape{static_cast<std::int64_t>(numbers.size())}}, 1, Mode::kEvaluation, 1);
  values.inputs[0] = numbers;
  return values;
}

TEST(Cast, TruncatesAndStaysWithinIntegers) {
  const double most = std::numeric_limits<std::int32_t>::max();
  const double least = std::numeric_limits<std::int32_t>::min();
  const double infinity = std::numeric_limits<double>::infinity();
  const Doubles numbers = {
      0.0, -0.0, 0.99, -0.99, 1.5,      -2.5,      16777216.0,
      3e9, -3e9, most, least, infinity, -infinity, std::numeric_limits<double>::quiet_NaN()};
  const Doubles expected = {0.0,  0.0,   0.0,  0.0,   1.0,  -2.0,  16777216.0,
                            most, least, most, least, most, least, 0.0};
  const Cast layer = CastTo("int32");
  EXPECT_EQ(layer.OutputType(), ElementType::kInt32);
  EXPECT_FALSE(layer.HasBackward());
  const auto run = RunLayer(layer, ValuesOf(layer, numbers), Doubles(numbers.size(), 1.0), 1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::int32_t>(run.output[i]), static_cast<std::int32_t>(expected[i]))
        << numbers[i];
  }
}

TEST(Cast, IntegersBecomeTheNearestFloats) {
  const Cast layer({{"from", "int32"}, {"to", "float32"}});
  EXPECT_EQ(layer.InputType(0), ElementType::kInt32);
  EXPECT_FALSE(layer.HasBackward());
  const Doubles numbers = {0, 1, -1, 16777216, 16777217, 2147483647, -2147483648.0};
  const auto run = RunLayer(layer, ValuesOf(layer, numbers), Doubles(numbers.size(), 1.0), 1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(run.output[i], static_cast<float>(numbers[i]));
  }
}

TEST(Cast, FromFloatsToFloatsPassesAllOn) {
  const Cast layer = CastTo("float32");
  const Shape shapes[] = {{1}, {17}, {3, 5}, {16, 4, 4}, {2, 3, 4, 5}, {65, 33}};
  for (const Shape& shape : shapes) {
    const LayerReport report =
        CheckLayer(layer, testing::SelectionReference([](std::int64_t output) { return output; }),
                   testing::MakeLayerValues(layer, {shape}, 3, Mode::kTraining, 9));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
  }
}

TEST(Cast, WantsTypesThatItKnows) {
  EXPECT_THROW(CastTo(""), Error);
  EXPECT_THROW(CastTo("float16"), Error);
  EXPECT_THROW(Cast({{"to", "int32"}, {"from", "bool"}}), Error);
}

TEST(Cast, WorkersShareTheWork) {
  const Cast layer = CastTo("int32");
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{65, 257}}, 9, Mode::kEvaluation, 5)),
      "");
}

}  // namespace
}  // namespace espalier
