// SPDX-License-Identifier: Apache-2.0
#include "layers/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

class SoftmaxReference : public testing::LayerReference {
 public:
  SoftmaxReference(bool is_logarithm, bool is_of_channels)
      : is_logarithm_(is_logarithm), is_of_channels_(is_of_channels) {}

  Doubles Forward(const LayerValues& values) const override {
    const Doubles& x = values.inputs[0];
    Doubles y(x.size());
    ForEachRow(values, [&](const std::vector<std::size_t>& row) {
      double greatest = x[row[0]];
      for (const std::size_t i : row) greatest = std::max(greatest, x[i]);
      double sum = 0.0;
      for (const std::size_t i : row) sum += std::exp(x[i] - greatest);
      for (const std::size_t i : row) {
        y[i] = is_logarithm_ ? x[i] - greatest - std::log(sum) : std::exp(x[i] - greatest) / sum;
      }
    });
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    const Doubles y = Forward(values);
    LayerGradients result;
    result.inputs = {grad};
    ForEachRow(values, [&](const std::vector<std::size_t>& row) {
      double sum = 0.0;
      for (const std::size_t i : row) sum += is_logarithm_ ? grad[i] : grad[i] * y[i];
      for (const std::size_t i : row) {
        result.inputs[0][i] =
            is_logarithm_ ? grad[i] - std::exp(y[i]) * sum : y[i] * (grad[i] - sum);
      }
    });
    return result;
  }

 private:
  // visit(the elements that one sum goes over), over row-major values.
  template <typename Visit>
  void ForEachRow(const LayerValues& values, Visit visit) const {
    const Shape& shape = values.output_shape;
    const std::int64_t columns = is_of_channels_ ? shape[0] : shape[shape.rank() - 1];
    const std::int64_t rows = shape.element_count() / columns;
    const std::int64_t row_step = is_of_channels_ ? 1 : columns;
    const std::int64_t column_step = is_of_channels_ ? rows : 1;
    for (std::int64_t example = 0; example < values.batch; ++example) {
      for (std::int64_t row = 0; row < rows; ++row) {
        std::vector<std::size_t> elements;
        for (std::int64_t column = 0; column < columns; ++column) {
          elements.push_back(static_cast<std::size_t>(example * shape.element_count() +
                                                      row * row_step + column * column_step));
        }
        visit(elements);
      }
    }
  }

  bool is_logarithm_;
  bool is_of_channels_;
};

TEST(Softmax, MatchesReferenceAndItsGradient) {
  const struct {
    Shape input;
    std::int64_t batch;
  } cases[] = {{{1}, 1},       {{3}, 2},        {{17}, 3},        {{16}, 1},
               {{1, 7}, 2},    {{7, 1}, 2},     {{5, 33}, 2},     {{33, 5}, 3},
               {{3, 5, 7}, 2}, {{2, 1, 19}, 7}, {{8, 17, 31}, 2}, {{1000}, 3}};
  for (const std::string_view kind : SoftmaxLayer::Kinds()) {
    for (const char* axis : {"last", "channels"}) {
      const SoftmaxLayer layer(kind, {{"axis", std::string(axis)}});
      EXPECT_EQ(layer.kind(), kind);
      const SoftmaxReference reference(kind == "log_softmax", std::string(axis) == "channels");
      for (const auto& c : cases) {
        SCOPED_TRACE(Concat(kind, " along ", axis, " of ", c.input.ToString()));
        LayerValues values =
            testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3);
        for (double& x : values.inputs[0]) x *= 4;
        const auto report = CheckLayer(layer, reference, values);
        EXPECT_TRUE(report.problems.empty()) << report.Summary();
        EXPECT_GT(report.checked, 0u);
      }
    }
  }
}

TEST(Softmax, WorkersShareTheWorkAndGiveTheSameBits) {
  for (const std::string_view kind : SoftmaxLayer::Kinds()) {
    const SoftmaxLayer layer(kind, {});
    EXPECT_EQ(CheckSharedWork(
                  layer, testing::MakeLayerValues(layer, {Shape{17, 33}}, 257, Mode::kTraining, 5)),
              "")
        << kind;
  }
}

TEST(Softmax, OfWhatIsFarApartIsExact) {
  const SoftmaxLayer layer("log_softmax", {});
  LayerValues values = testing::MakeLayerValues(layer, {Shape{3}}, 1, Mode::kTraining, 3);
  values.inputs[0] = {10000.0, -10000.0, 9999.0};
  testing::ForEachCpuTarget([&] {
    const testing::LayerRun run = RunLayer(layer, values, Doubles(3), 1);
    EXPECT_EQ(testing::FirstFar(run.output, SoftmaxReference(true, false).Forward(values)), -1);
  });
}

}  // namespace
}  // namespace espalier
