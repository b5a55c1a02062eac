// SPDX-License-Identifier: Apache-2.0
#include "layers/arg_max.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerValues;

struct Case {
  Shape input;
  std::int64_t axis;
  bool keeps_dimensions;
  std::int64_t batch;
  Shape output;
};

const Case kCases[] = {
    {{1}, 0, false, 1, {1}},
    {{17}, -1, false, 3, {1}},
    {{17}, 0, true, 2, {1}},
    {{5, 33}, -1, false, 2, {5}},
    {{5, 33}, 0, false, 2, {33}},
    {{16, 4, 4}, 0, false, 3, {4, 4}},
    {{16, 4, 4}, 0, true, 3, {1, 4, 4}},
    {{3, 7, 9}, 1, false, 9, {3, 9}},
    {{2, 3, 4, 5}, -2, true, 2, {2, 3, 1, 5}},
    {{64, 65}, 1, false, 5, {64}},
};

TEST(ArgMax, IsTheFirstPlaceOfTheMaximum) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.output.ToString()));
    const ArgMax layer({{"axis", c.axis}, {"keep_dimensions", c.keeps_dimensions}});
    const Shape inputs[] = {c.input};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    LayerValues values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kEvaluation, 9);
    for (double& value : values.inputs[0]) value = std::round(value);  // some are equal
    const auto outputs = static_cast<std::size_t>(c.batch * c.output.element_count());
    const auto axis = static_cast<std::size_t>(c.axis < 0 ? c.axis + c.input.rank() : c.axis);
    for (const int workers : {1, 3}) {
      const auto run = RunLayer(layer, values, Doubles(outputs, 1.0), workers);
      ASSERT_TRUE(run.is_intact);
      std::vector<std::int64_t> places(outputs, -1);
      Doubles most(outputs);
      for (std::size_t i = 0; i < values.inputs[0].size(); ++i) {
        const auto element = static_cast<std::int64_t>(i) % c.input.element_count();
        auto at = testing::PlacesOf(c.input, element);
        const std::int64_t place = at[axis];
        std::int64_t output = static_cast<std::int64_t>(i) / c.input.element_count();
        for (std::size_t k = 0; k < at.size(); ++k) {
          if (k != axis) output = output * c.input[static_cast<int>(k)] + at[k];
        }
        const auto o = static_cast<std::size_t>(output);
        if (places[o] < 0 || values.inputs[0][i] > most[o]) {
          places[o] = place;
          most[o] = values.inputs[0][i];
        }
      }
      for (std::size_t o = 0; o < outputs; ++o) {
        ASSERT_EQ(std::bit_cast<std::int32_t>(run.output[o]), places[o]) << o;
      }
    }
  }
}

TEST(ArgMax, TheFirstNaNIsTheMaximum) {
  const ArgMax layer({});
  LayerValues values = testing::MakeLayerValues(layer, {{9}}, 1, Mode::kEvaluation, 1);
  values.inputs[0][7] = values.inputs[0][4] = std::numeric_limits<double>::quiet_NaN();
  values.inputs[0][2] = std::numeric_limits<double>::infinity();
  const auto run = RunLayer(layer, values, Doubles(1, 1.0), 1);
  EXPECT_EQ(std::bit_cast<std::int32_t>(run.output[0]), 4);
}

TEST(ArgMax, GivesIntegersAndNoGradient) {
  const ArgMax layer({});
  EXPECT_EQ(layer.OutputType(), ElementType::kInt32);
  EXPECT_FALSE(layer.HasBackward());
  const Shape inputs[] = {Shape{4}};
  EXPECT_THROW(ArgMax({{"axis", std::int64_t{1}}}).OutputShape(inputs), Error);
}

TEST(ArgMax, WorkersShareTheWork) {
  const ArgMax layer({});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{65, 257}}, 9, Mode::kEvaluation, 5)),
      "");
}

}  // namespace
}  // namespace espalier
