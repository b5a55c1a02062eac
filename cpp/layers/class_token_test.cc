// SPDX-License-Identifier: Apache-2.0
#include "layers/class_token.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

class ClassTokenReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    Doubles y;
    for (std::size_t i = 0; i < static_cast<std::size_t>(values.batch); ++i) {
      for (const double weight : values.parameters[0]) y.push_back(weight);
      for (std::size_t j = 0; j < Size(values); ++j) {
        y.push_back(values.inputs[0][i * Size(values) + j]);
      }
    }
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back();
    const std::size_t width = values.parameters[0].size();
    result.parameters.emplace_back(width);
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const std::size_t at = i % (Size(values) + width);
      if (at < width) {
        result.parameters[0][at] += grad[i];
      } else {
        result.inputs[0].push_back(grad[i]);
      }
    }
    return result;
  }

 private:
  static std::size_t Size(const LayerValues& values) {
    return static_cast<std::size_t>(values.input_shapes[0].element_count());
  }
};

struct Case {
  Shape input;
  std::int64_t batch;
};

const Case kCases[] = {{{1, 1}, 1},   {{1, 3}, 2},   {{3, 1}, 3},   {{7, 16}, 1},  {{5, 17}, 4},
                       {{16, 15}, 2}, {{33, 31}, 1}, {{64, 65}, 2}, {{2, 129}, 9}, {{257, 2}, 3}};

TEST(ClassToken, MatchesReferenceAndItsGradient) {
  const ClassToken layer({});
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), ", batch ", c.batch));
    const LayerReport report =
        CheckLayer(layer, ClassTokenReference(),
                   testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(ClassToken, AddsAPosition) {
  const ClassToken layer({});
  EXPECT_EQ(layer.OutputShape(std::vector{Shape{196, 192}}), (Shape{197, 192}));
  EXPECT_EQ(layer.Parameters(std::vector{Shape{196, 192}})[0].shape, Shape{192});
  EXPECT_THROW(layer.OutputShape(std::vector{Shape{4}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector{Shape{2, 3, 4}}), Error);
}

TEST(ClassToken, WorkersShareTheWorkAndGiveTheSameBits) {
  const ClassToken layer({});
  EXPECT_EQ(CheckSharedWork(
                layer, testing::MakeLayerValues(layer, {Shape{65, 128}}, 30, Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
