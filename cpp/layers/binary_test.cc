// SPDX-License-Identifier: Apache-2.0
#include "layers/binary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "layers/add.h"
#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

struct Function {
  const char* kind;
  double (*value)(double a, double b);
  double (*by_a)(double a, double b);
  double (*by_b)(double a, double b);
  bool has_kinks;
};

const Function kFunctions[] = {
    {"add", [](double a, double b) { return a + b; }, [](double, double) { return 1.0; },
     [](double, double) { return 1.0; }, false},
    {"sub", [](double a, double b) { return a - b; }, [](double, double) { return 1.0; },
     [](double, double) { return -1.0; }, false},
    {"mul", [](double a, double b) { return a * b; }, [](double, double b) { return b; },
     [](double a, double) { return a; }, false},
    {"div", [](double a, double b) { return a / b; }, [](double, double b) { return 1.0 / b; },
     [](double a, double b) { return -a / (b * b); }, false},
    {"min", [](double a, double b) { return std::min(a, b); },
     [](double a, double b) { return a < b ? 1.0 : (a == b ? 0.5 : 0.0); },
     [](double a, double b) { return b < a ? 1.0 : (a == b ? 0.5 : 0.0); }, true},
    {"max", [](double a, double b) { return std::max(a, b); },
     [](double a, double b) { return a > b ? 1.0 : (a == b ? 0.5 : 0.0); },
     [](double a, double b) { return b > a ? 1.0 : (a == b ? 0.5 : 0.0); }, true},
    {"pow", [](double a, double b) { return std::pow(a, b); },
     [](double a, double b) { return b * std::pow(a, b - 1.0); },
     [](double a, double b) { return std::pow(a, b) * std::log(a); }, false},
    {"equal", [](double a, double b) { return a == b ? 1.0 : 0.0; },
     [](double, double) { return 0.0; }, [](double, double) { return 0.0; }, true},
    {"less", [](double a, double b) { return a < b ? 1.0 : 0.0; },
     [](double, double) { return 0.0; }, [](double, double) { return 0.0; }, true},
    {"greater", [](double a, double b) { return a > b ? 1.0 : 0.0; },
     [](double, double) { return 0.0; }, [](double, double) { return 0.0; }, true},
    {"remainder", [](double a, double b) { return a - b * std::floor(a / b); },
     [](double, double) { return 1.0; }, [](double a, double b) { return -std::floor(a / b); },
     false},
    {"fmod", [](double a, double b) { return std::fmod(a, b); }, [](double, double) { return 1.0; },
     [](double a, double b) { return -std::trunc(a / b); }, false},
};

// Indices as NumPy has them, over row-major values.
class BroadcastReference : public testing::LayerReference {
 public:
  explicit BroadcastReference(const Function& function) : function_(function) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles result;
    ForEach(values, [&](std::size_t a, std::size_t b) {
      result.push_back(function_.value(values.inputs[0][a], values.inputs[1][b]));
    });
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    for (const Doubles& input : values.inputs) result.inputs.emplace_back(input.size());
    std::size_t i = 0;
    ForEach(values, [&](std::size_t a, std::size_t b) {
      const double x = values.inputs[0][a];
      const double y = values.inputs[1][b];
      result.inputs[0][a] += grad[i] * function_.by_a(x, y);
      result.inputs[1][b] += grad[i] * function_.by_b(x, y);
      ++i;
    });
    return result;
  }

  bool IsKink(const LayerValues& values, std::size_t input, std::size_t element) const override {
    bool is_kink = false;
    ForEach(values, [&](std::size_t a, std::size_t b) {
      const bool is_meant = (input == 0 ? a : b) == element;
      is_kink = is_kink || (function_.has_kinks && is_meant &&
                            std::abs(values.inputs[0][a] - values.inputs[1][b]) < 1e-4);
    });
    return is_kink;
  }

 private:
  // visit(index into a, index into b) for each element of the result, in order.
  template <typename Visit>
  static void ForEach(const LayerValues& values, Visit visit) {
    const Shape& y = values.output_shape;
    const auto index_in = [&](const Shape& shape, std::int64_t example, std::int64_t element) {
      std::int64_t index = 0;
      std::int64_t step = 1;
      for (int axis = y.rank() - 1; axis >= 0; --axis) {
        const int own = axis - (y.rank() - shape.rank());
        const std::int64_t at = element % y[axis];
        element /= y[axis];
        if (own < 0) continue;
        index += shape[own] == 1 ? 0 : at * step;
        step *= shape[own];
      }
      return static_cast<std::size_t>(example * shape.element_count() + index);
    };
    for (std::int64_t example = 0; example < values.batch; ++example) {
      for (std::int64_t i = 0; i < y.element_count(); ++i) {
        visit(index_in(values.input_shapes[0], example, i),
              index_in(values.input_shapes[1], example, i));
      }
    }
  }

  const Function& function_;
};

// Bases of powers and divisors stay away from where the functions bend too much for differences.
void MakeTame(const std::string& kind, LayerValues& values) {
  const auto at_least = [](double least, Doubles& numbers) {
    for (double& x : numbers) x = static_cast<float>(least + std::abs(x));
  };
  if (kind == "pow") at_least(0.3, values.inputs[0]);
  if (kind == "div" || kind == "remainder" || kind == "fmod") at_least(0.5, values.inputs[1]);
}

TEST(Binary, MatchesReferenceAndItsGradientInBothLayouts) {
  const struct {
    Shape a, b;
    std::int64_t batch;
  } cases[] = {
      {{1}, {1}, 1},
      {{17}, {17}, 3},
      {{3, 5, 7}, {3, 5, 7}, 2},
      {{16, 1, 1}, {16, 5, 3}, 2},  // squeeze-and-excitation
      {{19, 1, 1}, {19, 4, 9}, 3},
      {{33, 7, 6}, {33, 1, 1}, 1},
      {{1, 4, 9}, {5, 4, 9}, 2},
      {{5, 4, 9}, {1}, 2},
      {{1}, {31}, 4},
      {{5, 4, 9}, {9}, 2},
      {{5, 4, 9}, {4, 9}, 2},
      {{4, 9}, {1, 4, 9}, 2},
      {{4, 1}, {1, 17}, 3},
      {{6, 1, 5}, {1, 7, 1}, 2},
      {{2, 3, 1, 5}, {3, 4, 1}, 2},
      {{1, 1, 1}, {3, 1, 8}, 2},
      {{130, 1, 1}, {130, 40, 3}, 1},  // of several pieces
      {{1, 6000}, {3, 1}, 1},
  };
  for (const Function& function : kFunctions) {
    const auto layer = MakeLayer(function.kind, {});
    std::size_t skipped = 0;
    for (const auto& c : cases) {
      for (const Layout layout : {Layout::kChannelsLast, Layout::kRowMajor}) {
        SCOPED_TRACE(Concat(function.kind, " of ", c.a.ToString(), " and ", c.b.ToString(),
                            layout == Layout::kRowMajor ? ", row-major" : ", channels last"));
        auto values = testing::MakeLayerValues(*layer, {c.a, c.b}, c.batch, Mode::kTraining, 3);
        MakeTame(function.kind, values);
        values.any_layout = layout;
        // Both are equal where they meet first.
        if (function.has_kinks) values.inputs[1][0] = values.inputs[0][0];
        const auto report = CheckLayer(*layer, BroadcastReference(function), values);
        EXPECT_TRUE(report.problems.empty()) << report.Summary();
        EXPECT_GT(report.checked + report.skipped, 0u);
        skipped += report.skipped;
      }
    }
    EXPECT_EQ(skipped > 0, function.has_kinks);
  }
}

TEST(Binary, WorkersShareTheWorkAndGiveTheSameBits) {
  for (const char* kind : {"add", "mul", "max", "pow"}) {
    const auto layer = MakeLayer(kind, {});
    auto values = testing::MakeLayerValues(*layer, {Shape{24, 1, 1}, Shape{24, 30, 31}}, 9,
                                           Mode::kTraining, 5);
    MakeTame(kind, values);
    EXPECT_EQ(CheckSharedWork(*layer, values), "") << kind;
  }
}

// An example's bits do not depend on its neighbours.
TEST(Binary, ExamplesDoNotDependOnTheirPlace) {
  const auto layer = MakeLayer("mul", {});
  const std::vector<Shape> shapes = {Shape{13, 1, 1}, Shape{13, 9, 5}};
  const auto values = testing::MakeLayerValues(*layer, shapes, 5, Mode::kTraining, 7);
  const Doubles grad = values.inputs[1];
  const testing::LayerRun run = testing::RunLayer(*layer, values, grad, 1);
  LayerValues third = values;
  third.batch = 1;
  const auto cut = [](const auto& all) {
    const auto size = static_cast<std::ptrdiff_t>(all.size() / 5);
    return std::decay_t<decltype(all)>(all.begin() + 2 * size, all.begin() + 3 * size);
  };
  for (Doubles& input : third.inputs) input = cut(input);
  const testing::LayerRun alone = testing::RunLayer(*layer, third, cut(grad), 1);
  EXPECT_TRUE(testing::SameBits(alone.output, cut(run.output)));
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_TRUE(testing::SameBits(alone.grad_inputs[k], cut(run.grad_inputs[k])));
  }
}

TEST(Binary, WantsTwoInputsThatFit) {
  for (const std::string_view kind : BinaryLayer::Kinds()) {
    const BinaryLayer layer(kind, {});
    EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3}}), Error);
    EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3}, {3}, {3}}), Error);
    EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{3, 4}, {3}}), Error);
    EXPECT_THROW(layer.OutputShape(std::vector<Shape>{{2, 3, 4}, {3, 3, 4}}), Error);
    EXPECT_EQ(layer.OutputShape(std::vector<Shape>{{2, 1, 4}, {3, 1}}), (Shape{2, 3, 4}));
    EXPECT_EQ(layer.kind(), kind);
  }
  const std::int64_t many = std::int64_t{1} << 21;
  EXPECT_THROW(BinaryLayer("mul", {}).OutputShape(std::vector<Shape>{{many, 1}, {1, many}}), Error);
}

}  // namespace
}  // namespace espalier
