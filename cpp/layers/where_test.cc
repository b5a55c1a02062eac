// SPDX-License-Identifier: Apache-2.0
#include "layers/where.h"

#include <gtest/gtest.h>

#include <limits>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

using Ints = std::vector<std::int64_t>;

class WhereReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    Doubles output(static_cast<std::size_t>(values.batch * values.output_shape.element_count()));
    for (std::size_t i = 0; i < output.size(); ++i) {
      const std::size_t input = Choice(values, i);
      output[i] = values.inputs[input][Element(values, input, i)];
    }
    return output;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    for (const Doubles& input : values.inputs) result.inputs.emplace_back(input.size());
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const std::size_t input = Choice(values, i);
      result.inputs[input][Element(values, input, i)] += grad[i];
    }
    return result;
  }

  bool IsKink(const LayerValues&, std::size_t input, std::size_t) const override {
    return input == 0;
  }

 private:
  // The element of an input that is broadcast to that output.
  static std::size_t Element(const LayerValues& values, std::size_t input, std::size_t output) {
    const Shape& shape = values.input_shapes[input];
    const std::int64_t outputs = values.output_shape.element_count();
    const auto at = static_cast<std::int64_t>(output);
    const Ints all = testing::PlacesOf(values.output_shape, at % outputs);
    Ints places(all.end() - shape.rank(), all.end());
    for (std::size_t axis = 0; axis < places.size(); ++axis) {
      if (shape[static_cast<int>(axis)] == 1) places[axis] = 0;
    }
    return static_cast<std::size_t>(at / outputs * shape.element_count() +
                                    testing::ElementAt(shape, places));
  }

  static std::size_t Choice(const LayerValues& values, std::size_t output) {
    return values.inputs[0][Element(values, 0, output)] != 0.0 ? 1 : 2;
  }
};

struct Case {
  std::vector<Shape> inputs;
  std::int64_t batch;
  Shape output;
};

const Case kCases[] = {
    {{{1}, {1}, {1}}, 1, {1}},
    {{{17}, {17}, {17}}, 3, {17}},
    {{{3, 5, 7}, {3, 5, 7}, {3, 5, 7}}, 2, {3, 5, 7}},
    {{{5, 1}, {5, 16}, {5, 16}}, 2, {5, 16}},
    {{{16}, {5, 16}, {1}}, 3, {5, 16}},
    {{{4, 1, 1}, {1, 3, 1}, {1, 1, 5}}, 2, {4, 3, 5}},
    {{{2, 3, 4}, {4}, {3, 1}}, 9, {2, 3, 4}},
    {{{33, 31}, {33, 31}, {1}}, 2, {33, 31}},
    {{{1}, {8, 9}, {8, 9}}, 5, {8, 9}},
    {{{65}, {1}, {1}}, 17, {65}},
};

TEST(Where, MatchesReferenceAndItsGradient) {
  const Where layer({});
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.output.ToString());
    ASSERT_EQ(layer.OutputShape(c.inputs), c.output);
    LayerValues values = testing::MakeLayerValues(layer, c.inputs, c.batch, Mode::kTraining, 9);
    for (std::size_t i = 0; i < values.inputs[0].size(); i += 2) values.inputs[0][i] = 0.0;
    const LayerReport report = CheckLayer(layer, WhereReference(), values);
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(Where, NaNIsNotZeroAndWhatIsNotChosenDoesNotShow) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Where layer({});
  LayerValues values = testing::MakeLayerValues(layer, {{4}, {4}, {4}}, 1, Mode::kEvaluation, 1);
  values.inputs = {{nan, -0.0, 2.0, 0.0}, {1.0, nan, 3.0, nan}, {nan, 6.0, nan, 8.0}};
  testing::ForEachCpuTarget([&] {
    const auto run = RunLayer(layer, values, Doubles(4, 1.0), 1);
    EXPECT_EQ(run.output, (testing::Floats{1, 6, 3, 8}));
  });
}

TEST(Where, WantsThreeInputsThatFit) {
  const Where layer({});
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3}, {3}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3}, {4}, {3}}), Error);
}

TEST(Where, WorkersShareTheWorkAndGiveTheSameBits) {
  const Where layer({});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {{65, 1}, {65, 257}, {257}}, 5,
                                                            Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
