// SPDX-License-Identifier: Apache-2.0
#include "layers/position_embedding.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

class PositionEmbeddingReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    Doubles y = values.inputs[0];
    const std::size_t size = Size(values);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += values.parameters[0][i % size];
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.push_back(grad);
    result.parameters.emplace_back(values.parameters[0].size());
    for (std::size_t i = 0; i < grad.size(); ++i) {
      result.parameters[0][i % Size(values)] += grad[i];
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
  std::int64_t max_length;
  std::int64_t batch;
};

const Case kCases[] = {{{1, 1}, 1, 1},   {{1, 3}, 5, 2},    {{3, 1}, 3, 3},     {{7, 16}, 8, 1},
                       {{5, 17}, 9, 4},  {{16, 15}, 16, 2}, {{33, 31}, 100, 1}, {{64, 65}, 70, 2},
                       {{2, 129}, 3, 9}, {{257, 2}, 512, 3}};

TEST(PositionEmbedding, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), " of ", c.max_length, ", batch ", c.batch));
    const PositionEmbedding layer({{"max_length", c.max_length}});
    const LayerReport report =
        CheckLayer(layer, PositionEmbeddingReference(),
                   testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(PositionEmbedding, RefusesMorePositionsThanItHas) {
  const PositionEmbedding layer({{"max_length", std::int64_t{4}}});
  EXPECT_EQ(layer.OutputShape(std::vector{Shape{4, 6}}), (Shape{4, 6}));
  EXPECT_EQ(layer.Parameters(std::vector{Shape{2, 6}})[0].shape, (Shape{4, 6}));
  EXPECT_THROW(layer.OutputShape(std::vector{Shape{5, 6}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector{Shape{4}}), Error);
}

TEST(PositionEmbedding, WorkersShareTheWorkAndGiveTheSameBits) {
  const PositionEmbedding layer({{"max_length", std::int64_t{100}}});
  EXPECT_EQ(CheckSharedWork(
                layer, testing::MakeLayerValues(layer, {Shape{65, 128}}, 30, Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
