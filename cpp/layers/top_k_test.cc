// SPDX-License-Identifier: Apache-2.0
#include "layers/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "testing/selection_reference.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

struct Case {
  Shape input;
  std::int64_t axis;
  std::int64_t k;
  bool is_largest;
  std::int64_t batch;
};

const Case kCases[] = {
    {{1}, 0, 1, true, 1},        {{17}, -1, 3, true, 3},          {{17}, 0, 17, false, 2},
    {{5, 33}, -1, 4, true, 2},   {{5, 33}, 0, 2, false, 2},       {{3, 7, 9}, 1, 7, true, 9},
    {{16, 4, 4}, 0, 5, true, 3}, {{2, 3, 4, 5}, -2, 2, false, 2},
};

TopK LayerOf(const char* kind, const Case& c) {
  return TopK(kind, {{"k", c.k}, {"axis", c.axis}, {"largest", c.is_largest}});
}

// By sorting all of a line.
class TopKReference : public testing::LayerReference {
 public:
  explicit TopKReference(const Case& c) : case_(c) {}

  // Of each element of the output, in order, the element of the input.
  std::vector<std::size_t> Sources(const LayerValues& values) const {
    const Shape& input = values.input_shapes[0];
    const Shape& output = values.output_shape;
    const auto axis =
        static_cast<std::size_t>(case_.axis < 0 ? case_.axis + input.rank() : case_.axis);
    std::vector<std::size_t> sources;
    for (std::int64_t example = 0; example < values.batch; ++example) {
      for (std::int64_t element = 0; element < output.element_count(); ++element) {
        auto places = testing::PlacesOf(output, element);
        const auto rank = static_cast<std::size_t>(places[axis]);
        std::vector<std::size_t> line;
        for (places[axis] = 0; places[axis] < input[static_cast<int>(axis)]; ++places[axis]) {
          line.push_back(static_cast<std::size_t>(example * input.element_count() +
                                                  testing::ElementAt(input, places)));
        }
        std::stable_sort(line.begin(), line.end(), [&](std::size_t a, std::size_t b) {
          const double x = values.inputs[0][a];
          const double y = values.inputs[0][b];
          return case_.is_largest ? x > y : x < y;
        });
        sources.push_back(line[rank]);
      }
    }
    return sources;
  }

  Doubles Forward(const LayerValues& values) const override {
    Doubles result;
    for (const std::size_t source : Sources(values)) result.push_back(values.inputs[0][source]);
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    std::size_t i = 0;
    for (const std::size_t source : Sources(values)) result.inputs[0][source] += grad[i++];
    return result;
  }

 private:
  const Case& case_;
};

TEST(TopK, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), " k ", c.k));
    const TopK layer = LayerOf("top_k", c);
    const auto values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3);
    const auto report = CheckLayer(layer, TopKReference(c), values);
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
  }
}

TEST(TopK, WorkersShareTheWorkAndGiveTheSameBits) {
  const TopK layer("top_k", {{"k", std::int64_t{5}}});
  const auto values = testing::MakeLayerValues(layer, {Shape{17, 65}}, 257, Mode::kTraining, 5);
  EXPECT_EQ(CheckSharedWork(layer, values), "");
}

// Of equal values the first comes first.
TEST(TopK, IndicesAreThePlaces) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.input.ToString(), " k ", c.k));
    const TopK layer = LayerOf("top_k_indices", c);
    EXPECT_FALSE(layer.HasBackward());
    LayerValues values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kEvaluation, 3);
    for (double& value : values.inputs[0]) value = std::round(value);
    const std::vector<std::size_t> sources = TopKReference(c).Sources(values);
    const auto run = RunLayer(layer, values, Doubles(sources.size(), 1.0), 3);
    ASSERT_TRUE(run.is_intact);
    const auto axis = static_cast<std::size_t>(c.axis < 0 ? c.axis + c.input.rank() : c.axis);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto element = static_cast<std::int64_t>(sources[i]) % c.input.element_count();
      EXPECT_EQ(std::bit_cast<std::int32_t>(run.output[i]),
                testing::PlacesOf(c.input, element)[axis]);
    }
  }
}

TEST(TopK, NotANumberIsTheGreatest) {
  const TopK layer("top_k", {{"k", std::int64_t{2}}});
  LayerValues values = testing::MakeLayerValues(layer, {Shape{4}}, 1, Mode::kEvaluation, 3);
  values.inputs[0] = {1.0, std::numeric_limits<double>::quiet_NaN(), 5.0, 3.0};
  const auto run = RunLayer(layer, values, Doubles(2, 1.0), 1);
  EXPECT_TRUE(std::isnan(run.output[0]));
  EXPECT_EQ(run.output[1], 5.0f);
}

TEST(TopK, WantsAsManyAsItChooses) {
  const TopK layer("top_k", {{"k", std::int64_t{3}}});
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{2}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{5}, {5}}), Error);
  EXPECT_THROW(TopK("top_k", {{"k", std::int64_t{0}}}), Error);
  EXPECT_EQ(layer.OutputShape(std::vector<Shape>{{2, 5}}), (Shape{2, 3}));
}

}  // namespace
}  // namespace espalier
