// SPDX-License-Identifier: Apache-2.0
#include "layers/concat.h"

#include <gtest/gtest.h>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

class ConcatReference : public testing::LayerReference {
 public:
  explicit ConcatReference(std::size_t axis) : axis_(axis) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles result(static_cast<std::size_t>(values.batch * values.output_shape.element_count()));
    ForElements(values, [&](std::size_t to, std::size_t input, std::size_t from) {
      result[to] = values.inputs[input][from];
    });
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    for (const Doubles& input : values.inputs) result.inputs.emplace_back(input.size());
    ForElements(values, [&](std::size_t to, std::size_t input, std::size_t from) {
      result.inputs[input][from] = grad[to];
    });
    return result;
  }

 private:
  template <typename Visit>  // visit(output, number of the input, its element)
  void ForElements(const LayerValues& values, Visit visit) const {
    const std::int64_t outputs = values.output_shape.element_count();
    for (std::int64_t to = 0; to < values.batch * outputs; ++to) {
      auto places = testing::PlacesOf(values.output_shape, to % outputs);
      std::size_t input = 0;
      while (places[axis_] >= values.input_shapes[input][static_cast<int>(axis_)]) {
        places[axis_] -= values.input_shapes[input++][static_cast<int>(axis_)];
      }
      const Shape& shape = values.input_shapes[input];
      visit(static_cast<std::size_t>(to), input,
            static_cast<std::size_t>(to / outputs * shape.element_count() +
                                     testing::ElementAt(shape, places)));
    }
  }

  std::size_t axis_;
};

TEST(Concat, MatchesReferenceAndItsGradient) {
  const struct {
    std::vector<Shape> inputs;
    std::int64_t batch;
    Shape output;
    std::int64_t axis = 0;
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
      {{{5, 3}, {5, 17}}, 2, {5, 20}, 1},
      {{{5, 16}, {5, 1}, {5, 4}}, 3, {5, 21}, -1},
      {{{3, 2, 5}, {3, 4, 5}}, 2, {3, 6, 5}, 1},
      {{{17, 4, 2}, {17, 4, 3}}, 2, {17, 4, 5}, -1},
      {{{2, 3, 1, 5}, {2, 3, 4, 5}}, 5, {2, 3, 5, 5}, -2},
  };
  for (const auto& c : cases) {
    const ConcatLayer layer({{"axis", c.axis}});
    for (const Layout layout : {Layout::kChannelsLast, Layout::kRowMajor}) {
      SCOPED_TRACE(
          Concat(c.output.ToString(), ", axis ", c.axis, ", layout ", static_cast<int>(layout)));
      ASSERT_EQ(layer.OutputShape(c.inputs), c.output);
      auto values = testing::MakeLayerValues(layer, c.inputs, c.batch, Mode::kTraining, 3);
      values.any_layout = layout;
      const auto axis = static_cast<std::size_t>(c.axis < 0 ? c.axis + c.output.rank() : c.axis);
      const auto report = CheckLayer(layer, ConcatReference(axis), values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(Concat, WorkersShareTheWorkAndGiveTheSameBits) {
  const ConcatLayer layer({});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {{17, 33}, {5, 33}}, 513,
                                                            Mode::kTraining, 5)),
            "");
}

TEST(Concat, WantsInputsThatDifferInOneDimensionAlone) {
  const ConcatLayer first({});
  EXPECT_THROW(first.OutputShape(std::vector<Shape>{{3}}), Error);
  EXPECT_THROW(first.OutputShape(std::vector<Shape>{{3, 4}, {3, 5}}), Error);
  EXPECT_THROW(first.OutputShape(std::vector<Shape>{{3, 4}, {3}}), Error);
  const ConcatLayer last({{"axis", std::int64_t{-1}}});
  EXPECT_NO_THROW(last.OutputShape(std::vector<Shape>{{3, 4}, {3, 5}}));
  EXPECT_THROW(last.OutputShape(std::vector<Shape>{{2, 4}, {3, 4}}), Error);
  const ConcatLayer third({{"axis", std::int64_t{2}}});
  EXPECT_THROW(third.OutputShape(std::vector<Shape>{{3, 4}, {3, 4}}), Error);
}

}  // namespace
}  // namespace espalier
