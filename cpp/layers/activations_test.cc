// SPDX-License-Identifier: Apache-2.0
#include "layers/activations.h"

#include <gtest/gtest.h>

#include <numbers>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

struct Function {
  const char* kind;
  double (*value)(double x);
  double (*derivative)(double x);
  Doubles kinks;
};

double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double HardSigmoid(double x) { return std::min(std::max(x + 3.0, 0.0), 6.0) / 6.0; }
double Softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

const Function kFunctions[] = {
    {"relu",
     [](double x) { return x > 0 ? x : 0; },
     [](double x) { return x > 0 ? 1.0 : 0.0; },
     {0.0}},
    {"relu6",
     [](double x) { return std::min(std::max(x, 0.0), 6.0); },
     [](double x) { return x > 0 && x < 6 ? 1.0 : 0.0; },
     {0.0, 6.0}},
    {"leaky_relu",
     [](double x) { return x > 0 ? x : static_cast<double>(0.01f) * x; },
     [](double x) { return x > 0 ? 1.0 : static_cast<double>(0.01f); },
     {0.0}},
    {"gelu",
     [](double x) { return x * NormalCdf(x); },
     [](double x) {
       return NormalCdf(x) + x * std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
     },
     {}},
    {"silu",
     [](double x) { return x * Sigmoid(x); },
     [](double x) { return Sigmoid(x) * (1.0 + x * (1.0 - Sigmoid(x))); },
     {}},
    {"sigmoid", Sigmoid, [](double x) { return Sigmoid(x) * (1.0 - Sigmoid(x)); }, {}},
    {"tanh",
     [](double x) { return std::tanh(x); },
     [](double x) { return 1.0 - std::tanh(x) * std::tanh(x); },
     {}},
    {"hard_swish",
     [](double x) { return x * HardSigmoid(x); },
     [](double x) { return x <= -3 ? 0.0 : (x >= 3 ? 1.0 : x / 3 + 0.5); },
     {-3.0, 3.0}},
    {"hard_sigmoid",
     HardSigmoid,
     [](double x) { return std::abs(x) < 3 ? 1.0 / 6 : 0.0; },
     {-3.0, 3.0}},
    {"elu",
     [](double x) { return x > 0 ? x : std::expm1(x); },
     [](double x) { return x > 0 ? 1.0 : std::exp(x); },
     {}},
    {"selu",
     [](double x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x)); },
     [](double x) { return kSeluScale * (x > 0 ? 1.0 : kSeluAlpha * std::exp(x)); },
     {0.0}},
    {"softplus", Softplus, Sigmoid, {}},
    {"mish",
     [](double x) { return x * std::tanh(Softplus(x)); },
     [](double x) {
       const double t = std::tanh(Softplus(x));
       return t + x * Sigmoid(x) * (1.0 - t * t);
     },
     {}},
};

class ActivationReference : public testing::LayerReference {
 public:
  explicit ActivationReference(const Function& function) : function_(function) {}

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
    const double x = values.inputs[0][element];
    return std::any_of(function_.kinks.begin(), function_.kinks.end(),
                       [&](double kink) { return std::abs(x - kink) < 1e-4; });
  }

 private:
  const Function& function_;
};

TEST(Activations, MatchReferenceAndItsGradient) {
  const struct {
    Shape input;
    std::int64_t batch;
  } cases[] = {{{1}, 1},  {{3}, 1},       {{17}, 1},       {{15}, 2},        {{16}, 3},  {{31}, 1},
               {{33}, 5}, {{3, 5, 7}, 2}, {{2, 1, 19}, 7}, {{8, 17, 31}, 2}, {{257}, 33}};
  for (const Function& function : kFunctions) {
    const ActivationLayer layer(function.kind, {});
    std::size_t skipped = 0;
    for (const auto& c : cases) {
      SCOPED_TRACE(Concat(function.kind, " of ", c.input.ToString(), ", batch ", c.batch));
      LayerValues values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3);
      for (double& x : values.inputs[0]) x *= 4;
      for (std::size_t k = 0; k < function.kinks.size(); ++k) {
        values.inputs[0][k * 40 % values.inputs[0].size()] = function.kinks[k];
      }
      const LayerReport report = CheckLayer(layer, ActivationReference(function), values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked + report.skipped, 0u);
      skipped += report.skipped;
    }
    EXPECT_EQ(skipped > 0, !function.kinks.empty()) << "kinks are skipped and counted";
    RecordProperty(Concat(function.kind, "_skipped"), static_cast<int>(skipped));
  }
}

TEST(Activations, WorkersShareTheWorkAndGiveTheSameBits) {
  for (const std::string_view kind : ActivationLayer::Kinds()) {
    const ActivationLayer layer(kind, {});
    EXPECT_EQ(CheckSharedWork(
                  layer, testing::MakeLayerValues(layer, {Shape{17, 33}}, 257, Mode::kTraining, 5)),
              "")
        << kind;
  }
}

TEST(Activations, KindsNameTheirActivation) {
  EXPECT_EQ(ActivationLayer("leaky_relu", {}).activation(), Activation::kLeakyRelu);
  EXPECT_EQ(ActivationLayer("tanh", {}).activation(), Activation::kTanh);
  EXPECT_EQ(ActivationLayer("relu", {}).activation(), Activation::kRelu);
  EXPECT_EQ(ActivationLayer("mish", {}).activation(), Activation::kMish);
  EXPECT_FLOAT_EQ(ActivationLayer("leaky_relu", {{"slope", 0.2}}).slope(), 0.2f);
  EXPECT_FLOAT_EQ(ActivationLayer("elu", {{"alpha", 0.5}}).slope(), 0.5f);
}

}  // namespace
}  // namespace espalier
