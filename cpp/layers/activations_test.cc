// SPDX-License-Identifier: Apache-2.0
#include "layers/activations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "testing/all_activations.h"
#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

class LayerOfReference : public testing::LayerReference {
 public:
  explicit LayerOfReference(const ActivationLayer& layer)
      : activation_(layer.activation()), slope_(static_cast<double>(layer.slope())) {}

  Doubles Forward(const LayerValues& values) const override {
    Doubles result = values.inputs[0];
    for (double& value : result) value = reference().value(value, slope_);
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs = {grad};
    const bool is_by_result = HasGradientByResult(activation_);
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const double x = values.inputs[0][i];
      const double read = is_by_result ? reference().value(x, slope_) : x;
      result.inputs[0][i] = reference().gradient(read, grad[i], slope_);
    }
    return result;
  }

  bool IsKink(const LayerValues& values, std::size_t, std::size_t element) const override {
    const double x = values.inputs[0][element];
    return std::any_of(reference().kinks.begin(), reference().kinks.end(),
                       [&](double kink) { return std::abs(x - kink) < 1e-4; });
  }

 private:
  const testing::ActivationReference& reference() const {
    return testing::ReferenceOf(activation_);
  }

  Activation activation_;
  double slope_;
};

TEST(Activations, MatchReferenceAndItsGradient) {
  const struct {
    Shape input;
    std::int64_t batch;
  } cases[] = {{{1}, 1},  {{3}, 1},       {{17}, 1},       {{15}, 2},        {{16}, 3},  {{31}, 1},
               {{33}, 5}, {{3, 5, 7}, 2}, {{2, 1, 19}, 7}, {{8, 17, 31}, 2}, {{257}, 33}};
  for (const std::string_view kind : ActivationLayer::Kinds()) {
    const ActivationLayer layer(kind, {});
    const Doubles& kinks = testing::ReferenceOf(layer.activation()).kinks;
    std::size_t skipped = 0;
    for (const auto& c : cases) {
      SCOPED_TRACE(Concat(kind, " of ", c.input.ToString(), ", batch ", c.batch));
      LayerValues values = testing::MakeLayerValues(layer, {c.input}, c.batch, Mode::kTraining, 3);
      for (double& x : values.inputs[0]) x *= 4;
      for (std::size_t k = 0; k < kinks.size(); ++k) {
        values.inputs[0][k * 40 % values.inputs[0].size()] = kinks[k];
      }
      const LayerReport report = CheckLayer(layer, LayerOfReference(layer), values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked + report.skipped, 0u);
      skipped += report.skipped;
    }
    EXPECT_EQ(skipped > 0, !kinks.empty()) << "kinks are skipped and counted";
    RecordProperty(Concat(kind, "_skipped"), static_cast<int>(skipped));
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
