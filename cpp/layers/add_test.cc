// SPDX-License-Identifier: Apache-2.0
#include "layers/add.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

class AddReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    Doubles result(values.inputs[0].size());
    for (const Doubles& input : values.inputs) {
      for (std::size_t i = 0; i < input.size(); ++i) result[i] += input[i];
    }
    return result;
  }
  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.assign(values.inputs.size(), grad);
    return result;
  }
};

TEST(Add, MatchesReferenceAndItsGradient) {
  const Add layer({});
  const Shape shapes[] = {{1},       {3},        {15},        {16},      {17},     {31},
                          {2, 3, 5}, {1, 1, 33}, {8, 17, 31}, {65, 129}, {3, 1, 7}};
  for (const Shape& shape : shapes) {
    for (const std::size_t count : {2, 3, 5}) {
      SCOPED_TRACE(Concat(count, " x ", shape.ToString()));
      const auto values =
          testing::MakeLayerValues(layer, std::vector<Shape>(count, shape),
                                   static_cast<std::int64_t>(count) - 1, Mode::kTraining, 3);
      const auto report = CheckLayer(layer, AddReference(), values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(Add, WorkersShareTheWorkAndGiveTheSameBits) {
  const Add layer({});
  const std::vector<Shape> shapes(3, Shape{17, 33});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, shapes, 513, Mode::kTraining, 5)), "");
}

TEST(Add, WantsTwoOrMoreInputsOfOneShapeOrTwoThatFit) {
  const Add layer({});
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3}, {4}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3}, {3}, {1}}), Error);
  EXPECT_EQ(layer.OutputShape(std::vector<Shape>{{3}, {3, 1}}), (Shape{3, 3}));
  EXPECT_EQ(layer.OutputShape(std::vector<Shape>{{3}, {3}, {3}}), Shape{3});
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{}), Error);
}

}  // namespace
}  // namespace espalier
