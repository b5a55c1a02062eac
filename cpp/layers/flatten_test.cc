// SPDX-License-Identifier: Apache-2.0
#include "layers/flatten.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

class FlattenReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override { return values.inputs[0]; }
  LayerGradients Backward(const LayerValues&, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs = {grad};
    return result;
  }
};

TEST(Flatten, PassesValuesAndGradientsOn) {
  const Flatten layer({});
  const Shape shapes[] = {{1},         {3},       {17},      {2, 3, 5},   {1, 1, 33},
                          {8, 17, 31}, {65, 129}, {3, 1, 7}, {1, 28, 28}, {2, 2, 2, 2}};
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(shape.ToString());
    const auto values = testing::MakeLayerValues(layer, {shape}, 3, Mode::kTraining, 3);
    EXPECT_EQ(values.output_shape, Shape::Vector(shape.element_count()));
    const auto report = CheckLayer(layer, FlattenReference(), values);
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
  }
}

TEST(Flatten, WorkersShareTheWorkAndGiveTheSameBits) {
  const Flatten layer({});
  EXPECT_EQ(
      CheckSharedWork(layer, testing::MakeLayerValues(layer, {{17, 33}}, 513, Mode::kTraining, 5)),
      "");
}

}  // namespace
}  // namespace espalier
