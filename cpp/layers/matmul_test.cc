// SPDX-License-Identifier: Apache-2.0
#include "layers/matmul.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

struct Case {
  Shape first, second;
  bool transposes_first, transposes_second;
  std::int64_t batch;
  Shape output;
};

class MatmulReference : public testing::LayerReference {
 public:
  explicit MatmulReference(const Case& c) : c_(c) {}

  Doubles Forward(const LayerValues& values) const override {
    return Multiply(values, [](double product) { return product; });
  }

  Doubles Tolerance(const LayerValues& values) const override {
    Doubles result = Multiply(values, [](double product) { return std::abs(product); });
    for (double& value : result) value = testing::SumTolerance(Depth(), value);
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    for (const Doubles& input : values.inputs) result.inputs.emplace_back(input.size());
    ForProducts(values, [&](std::size_t output, std::size_t first, std::size_t second) {
      result.inputs[0][first] += grad[output] * values.inputs[1][second];
      result.inputs[1][second] += grad[output] * values.inputs[0][first];
    });
    return result;
  }

 private:
  static std::size_t Last(const Shape& shape, int from_end) {
    return static_cast<std::size_t>(shape[shape.rank() - from_end]);
  }
  std::size_t Depth() const { return Last(c_.first, c_.transposes_first ? 2 : 1); }

  template <typename Visit>  // visit(output, element of the first, element of the second)
  void ForProducts(const LayerValues& values, Visit visit) const {
    const std::size_t m = Last(c_.output, 2), n = Last(c_.output, 1), k = Depth();
    const std::size_t outputs = static_cast<std::size_t>(values.batch * c_.output.element_count());
    const auto in_example = static_cast<std::size_t>(c_.output.element_count()) / (m * n);
    for (std::size_t o = 0; o < outputs; ++o) {
      const std::size_t matrix = o / (m * n), i = o / n % m, j = o % n;
      const std::size_t second = c_.second.rank() == 2 ? matrix / in_example : matrix;
      for (std::size_t d = 0; d < k; ++d) {
        visit(o, matrix * m * k + (c_.transposes_first ? d * m + i : i * k + d),
              second * k * n + (c_.transposes_second ? j * k + d : d * n + j));
      }
    }
  }

  template <typename Transform>
  Doubles Multiply(const LayerValues& values, Transform transform) const {
    Doubles output(static_cast<std::size_t>(values.batch * c_.output.element_count()));
    ForProducts(values, [&](std::size_t o, std::size_t first, std::size_t second) {
      output[o] += transform(values.inputs[0][first] * values.inputs[1][second]);
    });
    return output;
  }

  Case c_;
};

const Case kCases[] = {
    {{1, 1}, {1, 1}, false, false, 1, {1, 1}},
    {{3, 5}, {5, 7}, false, false, 2, {3, 7}},
    {{5, 3}, {5, 7}, true, false, 3, {3, 7}},
    {{3, 5}, {7, 5}, false, true, 2, {3, 7}},
    {{5, 3}, {7, 5}, true, true, 2, {3, 7}},
    {{17, 33}, {33, 16}, false, false, 5, {17, 16}},
    {{3, 16, 8}, {3, 16, 8}, false, true, 2, {3, 16, 16}},  // as of attention
    {{3, 16, 16}, {3, 16, 8}, false, false, 2, {3, 16, 8}},
    {{2, 3, 4, 5}, {2, 3, 5, 6}, false, false, 2, {2, 3, 4, 6}},
    {{4, 7, 9}, {9, 3}, false, false, 3, {4, 7, 3}},  // one for all
    {{2, 2, 5, 3}, {4, 3}, false, true, 2, {2, 2, 5, 4}},
    {{2, 31, 9}, {2, 31, 17}, true, false, 9, {2, 9, 17}},
    {{1, 65}, {65, 64}, false, false, 17, {1, 64}},
};

Attributes AttributesOf(const Case& c) {
  return {{"transpose_first", c.transposes_first}, {"transpose_second", c.transposes_second}};
}

TEST(MatmulLayer, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(Concat(c.first.ToString(), " by ", c.second.ToString()));
    const MatmulLayer layer(AttributesOf(c));
    const Shape inputs[] = {c.first, c.second};
    ASSERT_EQ(layer.OutputShape(inputs), c.output);
    const LayerReport report = CheckLayer(
        layer, MatmulReference(c),
        testing::MakeLayerValues(layer, {c.first, c.second}, c.batch, Mode::kTraining, 9));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(MatmulLayer, SaysWhatDoesNotFit) {
  const auto refuses = [](const Shape& first, const Shape& second, bool transposes_first = false) {
    const Shape inputs[] = {first, second};
    EXPECT_THROW(MatmulLayer({{"transpose_first", transposes_first}}).OutputShape(inputs), Error);
  };
  refuses({3, 5}, {4, 7});
  refuses({3}, {3, 7});
  refuses({2, 3, 5}, {3, 5, 7});
  refuses({3, 5}, {2, 5, 7});
  refuses({2, 5, 3}, {5, 7}, true);
  EXPECT_THROW(MatmulLayer({}).OutputShape(std::vector<Shape>{{3, 5}}), Error);
}

TEST(MatmulLayer, WorkersShareTheWorkAndGiveTheSameBits) {
  const MatmulLayer layer({});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {{3, 65, 64}, {3, 64, 65}}, 9,
                                                            Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
