// SPDX-License-Identifier: Apache-2.0
#include "layers/unary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerValues;

struct Function {
  const char* kind;
  double (*value)(double x);
  double (*derivative)(double x);
  bool is_of_positive;
};

const Function kFunctions[] = {
    {"exp", [](double x) { return std::exp(x); }, [](double x) { return std::exp(x); }, false},
    {"log", [](double x) { return std::log(x); }, [](double x) { return 1 / x; }, true},
    {"sqrt", [](double x) { return std::sqrt(x); }, [](double x) { return 0.5 / std::sqrt(x); },
     true},
    {"abs", [](double x) { return std::abs(x); },
     [](double x) { return x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0); }, false},
    {"neg", [](double x) { return -x; }, [](double) { return -1.0; }, false},
    {"erf", [](double x) { return std::erf(x); },
     [](double x) { return 2.0 / std::sqrt(std::numbers::pi) * std::exp(-x * x); }, false},
    {"reciprocal", [](double x) { return 1 / x; }, [](double x) { return -1 / (x * x); }, true},
};

class UnaryReference : public testing::LayerReference {
 public:
  explicit UnaryReference(const Function& function) : function_(function) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles result = values.inputs[0];
    for (double& value : result) value = function_.value(value);
    return result;
  }
  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs = {grad};
    for (std::size_t i = 0; i < grad.size(); ++i) {
      result.inputs[0][i] *= function_.derivative(values.inputs[0][i]);
    }
    return result;
  }
  bool IsKink(const LayerValues& values, std::size_t, std::size_t element) const override {
    return std::string_view(function_.kind) == "abs" && std::abs(values.inputs[0][element]) < 1e-4;
  }

 private:
  const Function& function_;
};

TEST(Unary, MatchesReferenceAndItsGradient) {
  const struct {
    Shape input;
    std::int64_t batch;
  } cases[] = {{{1}, 1},  {{3}, 1},       {{17}, 1},       {{15}, 2},        {{16}, 3},  {{31}, 1},
               {{33}, 5}, {{3, 5, 7}, 2}, {{2, 1, 19}, 7}, {{8, 17, 31}, 2}, {{257}, 33}};
  for (const Function& function : kFunctions) {
    const UnaryLayer layer(function.kind, {});
    EXPECT_EQ(layer.kind(), function.kind);
    for (const auto& c : cases) {
      SCOPED_TRACE(Concat(function.kind, " of ", c.input.ToString()));
      LayerValues values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3);
      for (double& x : values.inputs[0]) {
        x = static_cast<float>(function.is_of_positive ? 0.4 + std::abs(x) : 1.5 * x);
      }
      if (!function.is_of_positive) values.inputs[0][0] = 0.0;
      const auto report = CheckLayer(layer, UnaryReference(function), values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked + report.skipped, 0u);
    }
  }
}

TEST(Unary, WorkersShareTheWorkAndGiveTheSameBits) {
  for (const std::string_view kind : UnaryLayer::Kinds()) {
    const UnaryLayer layer(kind, {});
    LayerValues values = testing::MakeLayerValues(layer, {Shape{17, 33}}, 257, Mode::kTraining, 5);
    for (double& x : values.inputs[0]) x = static_cast<float>(0.1 + std::abs(x));
    EXPECT_EQ(CheckSharedWork(layer, values), "") << kind;
  }
}

}  // namespace
}  // namespace espalier
