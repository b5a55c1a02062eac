// SPDX-License-Identifier: Apache-2.0
#include "layers/dropout.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

// Word i % 4 of block i / 4 decides about element i.
class DropoutReference : public testing::LayerReference {
 public:
  explicit DropoutReference(double rate) : rate_(rate) {}

  Doubles Forward(const LayerValues& values) const override {
    return Multiply(values, values.inputs[0]);
  }
  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.inputs = {Multiply(values, grad)};
    return result;
  }

 private:
  Doubles Multiply(const LayerValues& values, Doubles numbers) const {
    if (values.mode == Mode::kEvaluation) return numbers;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto block = RandomBlock(values.random, static_cast<std::uint32_t>(i / 4));
      const bool is_kept = static_cast<double>(block[i % 4]) >= rate_ * 0x1p32;
      numbers[i] = is_kept ? numbers[i] / (1.0 - rate_) : 0.0;
    }
    return numbers;
  }

  double rate_;
};

TEST(Dropout, MatchesReferenceAndItsGradient) {
  const struct {
    Shape input;
    std::int64_t batch;
  } cases[] = {{{1}, 1},  {{3}, 1},       {{17}, 1},       {{15}, 2},         {{16}, 4},  {{31}, 3},
               {{65}, 1}, {{3, 5, 7}, 2}, {{2, 1, 19}, 7}, {{8, 17, 131}, 2}, {{257}, 33}};
  for (const Mode mode : {Mode::kTraining, Mode::kEvaluation}) {
    for (const double rate : {0.5, 0.0, 0.3}) {
      for (const auto& c : cases) {
        SCOPED_TRACE(Concat(rate, " of ", c.input.ToString(), ", batch ", c.batch));
        const Dropout layer({{"rate", rate}});
        const LayerReport report =
            CheckLayer(layer, DropoutReference(rate),
                       testing::MakeLayerValues(layer, {c.input}, c.batch, mode, 3));
        EXPECT_TRUE(report.problems.empty()) << report.Summary();
        EXPECT_GT(report.checked, 0u);
      }
    }
  }
}

TEST(Dropout, DropsTheShareItShould) {
  const Dropout layer({{"rate", 0.2}});
  LayerValues values = testing::MakeLayerValues(layer, {Shape{100000}}, 1, Mode::kTraining, 3);
  std::fill(values.inputs[0].begin(), values.inputs[0].end(), 1.0);
  const auto run = RunLayer(layer, values, Doubles(100000, 1.0), 1);
  const auto dropped = std::count(run.output.begin(), run.output.end(), 0.0f);
  EXPECT_NEAR(static_cast<double>(dropped), 20000.0, 5 * std::sqrt(100000 * 0.2 * 0.8));
}

TEST(Dropout, AnotherKeyGivesAnotherPattern) {
  const Dropout layer({});
  LayerValues values = testing::MakeLayerValues(layer, {Shape{64}}, 1, Mode::kTraining, 3);
  const Doubles grad(64, 1.0);
  const auto first = RunLayer(layer, values, grad, 1);
  ++values.random.subindex;
  EXPECT_FALSE(testing::SameBits(first.output, RunLayer(layer, values, grad, 1).output));
}

TEST(Dropout, WhatIsDroppedCannotSpreadNaN) {
  const Dropout layer({});
  LayerValues values = testing::MakeLayerValues(layer, {Shape{67}}, 1, Mode::kTraining, 3);
  std::fill(values.inputs[0].begin(), values.inputs[0].end(),
            std::numeric_limits<double>::infinity());
  const auto run =
      RunLayer(layer, values, Doubles(67, std::numeric_limits<double>::quiet_NaN()), 1);
  for (std::size_t i = 0; i < 67; ++i) {
    const bool is_dropped = run.output[i] == 0.0f;
    EXPECT_TRUE(is_dropped || std::isinf(run.output[i]));
    EXPECT_EQ(is_dropped, run.grad_inputs[0][i] == 0.0f);
  }
}

TEST(Dropout, WorkersShareTheWorkAndGiveTheSameBits) {
  const Dropout layer({});
  EXPECT_EQ(CheckSharedWork(
                layer, testing::MakeLayerValues(layer, {Shape{17, 33}}, 257, Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
