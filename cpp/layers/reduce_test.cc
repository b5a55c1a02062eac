// SPDX-License-Identifier: Apache-2.0
#include "layers/reduce.h"

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

class ReduceReference : public testing::LayerReference {
 public:
  ReduceReference(std::string reduction, const Ints& axes) : reduction_(std::move(reduction)) {
    axes_ = axes;
  }

  Doubles Forward(const LayerValues& values) const override {
    Doubles output;
    for (const auto& group : GroupsOf(values)) output.push_back(Reduced(values.inputs[0], group));
    return output;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    const auto groups = GroupsOf(values);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const double y = Reduced(values.inputs[0], groups[g]);
      const double count = static_cast<double>(groups[g].size());
      for (const std::size_t i : groups[g]) {
        const double x = values.inputs[0][i];
        double& to = result.inputs[0][i];
        if (reduction_ == "mean") to = grad[g] / count;
        if (reduction_ == "sum") to = grad[g];
        if (reduction_ == "l2") to = y == 0.0 ? 0.0 : grad[g] * x / y;
        if ((reduction_ == "max" || reduction_ == "min") && x == y) {
          to = grad[g];
          break;
        }
      }
    }
    return result;
  }

  bool IsKink(const LayerValues& values, std::size_t, std::size_t element) const override {
    if (reduction_ != "max" && reduction_ != "min") return false;
    for (const auto& group : GroupsOf(values)) {
      bool is_here = false;
      bool is_near = false;
      for (const std::size_t i : group) {
        is_here |= i == element;
        is_near |= i != element && std::abs(values.inputs[0][i] - values.inputs[0][element]) < 1e-5;
      }
      if (is_here) return is_near;
    }
    return false;
  }

 private:
  // The inputs of each output, in order.
  std::vector<std::vector<std::size_t>> GroupsOf(const LayerValues& values) const {
    const Shape& shape = values.input_shapes[0];
    std::vector<bool> is_reduced(static_cast<std::size_t>(shape.rank()), axes_.empty());
    for (const std::int64_t axis : axes_) {
      is_reduced[static_cast<std::size_t>(axis < 0 ? axis + shape.rank() : axis)] = true;
    }
    const std::int64_t inputs = shape.element_count();
    const std::int64_t outputs = values.output_shape.element_count();
    std::vector<std::vector<std::size_t>> groups(static_cast<std::size_t>(values.batch * outputs));
    for (std::int64_t i = 0; i < values.batch * inputs; ++i) {
      const Ints places = testing::PlacesOf(shape, i % inputs);
      std::int64_t output = 0;
      for (std::size_t axis = 0; axis < places.size(); ++axis) {
        if (!is_reduced[axis]) output = output * shape[static_cast<int>(axis)] + places[axis];
      }
      groups[static_cast<std::size_t>(i / inputs * outputs + output)].push_back(
          static_cast<std::size_t>(i));
    }
    return groups;
  }

  double Reduced(const Doubles& x, const std::vector<std::size_t>& group) const {
    double sum = 0.0, squares = 0.0, most = x[group[0]], least = most;
    for (const std::size_t i : group) {
      sum += x[i];
      squares += x[i] * x[i];
      most = std::max(most, x[i]);
      least = std::min(least, x[i]);
    }
    if (reduction_ == "mean") return sum / static_cast<double>(group.size());
    if (reduction_ == "sum") return sum;
    if (reduction_ == "l2") return std::sqrt(squares);
    return reduction_ == "max" ? most : least;
  }

  std::string reduction_;
  Ints axes_;
};

struct Case {
  Shape input;
  Ints axes;
  bool keeps_dimensions;
  std::int64_t batch;
  Shape output;
};

const Case kCases[] = {
    {{1}, {}, false, 1, {1}},
    {{17}, {0}, false, 3, {1}},
    {{5, 33}, {0}, false, 2, {33}},  // of tokens
    {{5, 33}, {-1}, true, 2, {5, 1}},
    {{16, 7, 5}, {1, 2}, false, 3, {16}},  // of images
    {{17, 3, 4}, {1, 2}, true, 2, {17, 1, 1}},
    {{3, 4, 5}, {0}, false, 9, {4, 5}},
    {{3, 4, 5}, {0, 2}, false, 2, {4}},  // what is kept lies between
    {{3, 4, 5}, {-2}, true, 2, {3, 1, 5}},
    {{2, 3, 4, 5}, {1, 2}, false, 2, {2, 5}},
    {{2, 3, 4, 5}, {0, 2}, true, 3, {1, 3, 1, 5}},
    {{2, 3, 4, 5}, {1, 3}, false, 2, {2, 4}},
    {{4, 1, 6}, {1}, false, 2, {4, 6}},
    {{8, 16, 17}, {}, true, 2, {1, 1, 1}},
    {{70, 2}, {0}, false, 5, {2}},
};

TEST(Reduce, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    for (const char* reduction : {"mean", "sum", "max", "min", "l2"}) {
      SCOPED_TRACE(Concat(reduction, " of ", c.input.ToString(), " to ", c.output.ToString()));
      const Reduce layer(
          {{"reduction", reduction}, {"axes", c.axes}, {"keep_dimensions", c.keeps_dimensions}});
      const Shape inputs[] = {c.input};
      ASSERT_EQ(layer.OutputShape(inputs), c.output);
      const LayerReport report =
          CheckLayer(layer, ReduceReference(reduction, c.axes),
                     testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 9));
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(Reduce, NaNIsMaximumAndMinimum) {
  for (const char* reduction : {"max", "min"}) {
    const Reduce layer({{"reduction", reduction}, {"axes", Ints{1}}});
    LayerValues values = testing::MakeLayerValues(layer, {{3, 21}}, 1, Mode::kEvaluation, 1);
    values.inputs[0][30] = std::numeric_limits<double>::quiet_NaN();
    testing::ForEachCpuTarget([&] {
      const auto output = RunLayer(layer, values, Doubles(3, 1.0), 1).output;
      EXPECT_TRUE(std::isnan(output[1]));
      EXPECT_FALSE(std::isnan(output[0]) || std::isnan(output[2]));
    });
  }
}

TEST(Reduce, TheGradientOfANormOfZeroIsZero) {
  const Reduce layer({{"reduction", "l2"}, {"keep_dimensions", false}});
  LayerValues values = testing::MakeLayerValues(layer, {{7}}, 1, Mode::kTraining, 1);
  std::fill(values.inputs[0].begin(), values.inputs[0].end(), 0.0);
  testing::ForEachCpuTarget([&] {
    const auto run = RunLayer(layer, values, Doubles(1, 1.0), 1);
    for (const float grad : run.grad_inputs[0]) EXPECT_EQ(grad, 0.0f);
  });
}

TEST(Reduce, WantsAxesThatAreThere) {
  const Shape inputs[] = {Shape{4, 5}};
  EXPECT_THROW(Reduce({{"axes", Ints{2}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Reduce({{"axes", Ints{-3}}}).OutputShape(inputs), Error);
  EXPECT_THROW(Reduce({{"reduction", "product"}, {"keep_dimensions", false}}), Error);
}

TEST(Reduce, WorkersShareTheWorkAndGiveTheSameBits) {
  for (const Ints& axes : {Ints{1, 2}, Ints{0, 2}, Ints{2}}) {
    const Reduce layer({{"reduction", "l2"}, {"axes", axes}});
    EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {Shape::Image(33, 31, 35)}, 5,
                                                              Mode::kTraining, 5)),
              "");
  }
}

}  // namespace
}  // namespace espalier
