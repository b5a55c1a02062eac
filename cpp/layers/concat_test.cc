// SPDX-License-Identifier: Apache-2.0
#include "layers/concat.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

class ConcatReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    Doubles result;
    for (std::size_t n = 0; n < static_cast<std::size_t>(values.batch); ++n) {
      for (std::size_t k = 0; k < values.inputs.size(); ++k) {
        const std::size_t size = Size(values, k);
        for (std::size_t i = 0; i < size; ++i) result.push_back(values.inputs[k][n * size + i]);
      }
    }
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    for (const Doubles& input : values.inputs) result.inputs.emplace_back(input.size());
    std::size_t at = 0;
    for (std::size_t n = 0; n < static_cast<std::size_t>(values.batch); ++n) {
      for (std::size_t k = 0; k < values.inputs.size(); ++k) {
        const std::size_t size = Size(values, k);
        for (std::size_t i = 0; i < size; ++i) result.inputs[k][n * size + i] = grad[at++];
      }
    }
    return result;
  }

 private:
  static std::size_t Size(const LayerValues& values, std::size_t input) {
    return static_cast<std::size_t>(values.input_shapes[input].element_count());
  }
};

TEST(Concat, MatchesReferenceAndItsGradient) {
  const ConcatLayer layer({});
  const struct {
    std::vector<Shape> inputs;
    std::int64_t batch;
    Shape output;
  } cases[] = {
      {{{1}, {1}}, 1, {2}},
      {{{3}, {17}}, 2, {20}},
      {{{15}, {16}, {17}}, 3, {48}},
      {{{2, 3}, {1, 3}}, 5, {3, 3}},
      {{{1, 4, 5}, {3, 4, 5}}, 1, {4, 4, 5}},
      {{{2, 1, 31}, {2, 1, 31}}, 9, {4, 1, 31}},
      {{{7, 7, 7}, {1, 7, 7}, {2, 7, 7}, {1, 7, 7}}, 2, {11, 7, 7}},
      {{{64}, {1}}, 17, {65}},
      {{{1}, {64}}, 33, {65}},
      {{{5, 33, 31}, {3, 33, 31}}, 4, {8, 33, 31}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.output.ToString());
    ASSERT_EQ(layer.OutputShape(c.inputs), c.output);
    const auto report =
        CheckLayer(layer, ConcatReference(),
                   testing::MakeLayerValues(layer, c.inputs, c.batch, Mode::kTraining, 3));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(Concat, WorkersShareTheWorkAndGiveTheSameBits) {
  const ConcatLayer layer({});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {{17, 33}, {5, 33}}, 513,
                                                            Mode::kTraining, 5)),
            "");
}

TEST(Concat, WantsInputsThatDifferInTheFirstDimensionAlone) {
  const ConcatLayer layer({});
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3, 4}, {3, 5}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3, 4}, {3}}), Error);
}

}  // namespace
}  // namespace espalier
