// SPDX-License-Identifier: Apache-2.0
#include "layers/token_pool.h"

#include <gtest/gtest.h>

#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

class TokenPoolReference : public testing::LayerReference {
 public:
  explicit TokenPoolReference(std::string pool) : pool_(std::move(pool)) {}

  Doubles Forward(const LayerValues& values) const override {
    const std::size_t width = Dimension(values, 1);
    Doubles y(static_cast<std::size_t>(values.batch) * width);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t valid = Valid(values, i / width);
      if (valid == 0) continue;
      if (pool_ == "mean") {
        for (std::size_t p = 0; p < valid; ++p) {
          y[i] += At(values, i, p) / static_cast<double>(valid);
        }
      } else {
        y[i] = At(values, i, pool_ == "max" ? Largest(values, i) : 0);
      }
    }
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    const std::size_t width = Dimension(values, 1);
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    if (values.inputs.size() > 1) result.inputs.emplace_back();
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const std::size_t valid = Valid(values, i / width);
      if (valid == 0) continue;
      if (pool_ == "mean") {
        for (std::size_t p = 0; p < valid; ++p) {
          result.inputs[0][Index(values, i, p)] += grad[i] / static_cast<double>(valid);
        }
      } else {
        result.inputs[0][Index(values, i, pool_ == "max" ? Largest(values, i) : 0)] += grad[i];
      }
    }
    return result;
  }

 private:
  static std::size_t Dimension(const LayerValues& values, int axis) {
    return static_cast<std::size_t>(values.input_shapes[0][axis]);
  }

  static std::size_t Valid(const LayerValues& values, std::size_t example) {
    const std::size_t length = Dimension(values, 0);
    if (values.inputs.size() < 2) return length;
    return static_cast<std::size_t>(
        std::clamp(values.inputs[1][example], 0.0, static_cast<double>(length)));
  }

  // Of position p, for the output i.
  static std::size_t Index(const LayerValues& values, std::size_t i, std::size_t p) {
    const std::size_t width = Dimension(values, 1);
    return (i / width * Dimension(values, 0) + p) * width + i % width;
  }

  static double At(const LayerValues& values, std::size_t i, std::size_t p) {
    return values.inputs[0][Index(values, i, p)];
  }

  static std::size_t Largest(const LayerValues& values, std::size_t i) {
    std::size_t best = 0;
    for (std::size_t p = 1; p < Valid(values, i / Dimension(values, 1)); ++p) {
      if (At(values, i, p) > At(values, i, best)) best = p;
    }
    return best;
  }

  std::string pool_;
};

struct Case {
  Shape input;
  std::int64_t batch;
  Doubles valid;  // by example; empty: no such input
};

const Case kCases[] = {
    {{1, 1}, 1, {}},         {{5, 1}, 2, {}},           {{1, 17}, 3, {}},
    {{7, 16}, 2, {}},        {{16, 7}, 3, {16, 1, 9}},  {{3, 33}, 4, {0, 3, 2, 1}},
    {{31, 15}, 2, {31, 30}}, {{257, 9}, 2, {256, 257}}, {{300, 5}, 3, {1, 299, 255}},
    {{64, 65}, 1, {13}},     {{2, 129}, 2, {2, 0}},     {{4, 6}, 3, {-1, 5, 2147483647}}};

TEST(TokenPool, MatchesReferenceAndItsGradient) {
  for (const char* pool : {"mean", "max", "first"}) {
    const TokenPool layer({{"pool", std::string(pool)}});
    for (const Case& c : kCases) {
      SCOPED_TRACE(Concat(pool, " of ", c.input.ToString(), ", batch ", c.batch));
      std::vector<Shape> shapes = {c.input};
      if (!c.valid.empty()) shapes.emplace_back(Shape{1});
      LayerValues values = testing::MakeLayerValues(layer, shapes, c.batch, Mode::kTraining, 3);
      if (!c.valid.empty()) values.inputs[1] = c.valid;
      const LayerReport report = CheckLayer(layer, TokenPoolReference(pool), values);
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

TEST(TokenPool, PaddingIsNeverRead) {
  for (const char* pool : {"mean", "max", "first"}) {
    const TokenPool layer({{"pool", std::string(pool)}});
    const LayerValues exact =
        testing::MakeLayerValues(layer, {Shape{11, 19}}, 1, Mode::kTraining, 4);
    LayerValues padded =
        testing::MakeLayerValues(layer, {Shape{40, 19}, Shape{1}}, 1, Mode::kTraining, 4);
    std::fill(padded.inputs[0].begin(), padded.inputs[0].end(),
              std::numeric_limits<double>::quiet_NaN());
    std::copy(exact.inputs[0].begin(), exact.inputs[0].end(), padded.inputs[0].begin());
    padded.inputs[1] = Doubles(1, 11.0);
    testing::ForEachCpuTarget([&] {
      const auto a = RunLayer(layer, exact, Doubles(19, 1.0), 1);
      const auto b = RunLayer(layer, padded, Doubles(19, 1.0), 1);
      EXPECT_TRUE(testing::SameBits(a.output, b.output)) << pool;
      const std::span<const float> grad(b.grad_inputs[0]);
      EXPECT_TRUE(testing::SameBits(a.grad_inputs[0], grad.first(11 * 19))) << pool;
      for (const float value : grad.subspan(11 * 19)) EXPECT_EQ(value, 0.0f);
    });
  }
}

TEST(TokenPool, NotANumberAmongValidPositionsShows) {
  LayerValues values;
  for (const char* pool : {"mean", "max"}) {
    const TokenPool layer({{"pool", std::string(pool)}});
    values = testing::MakeLayerValues(layer, {Shape{5, 3}}, 1, Mode::kTraining, 4);
    values.inputs[0][2 * 3 + 1] = std::numeric_limits<double>::quiet_NaN();
    testing::ForEachCpuTarget([&] {
      const auto y = RunLayer(layer, values, Doubles(3, 1.0), 1).output;
      EXPECT_TRUE(std::isfinite(y[0]) && std::isnan(y[1]) && std::isfinite(y[2])) << pool;
    });
  }
}

TEST(TokenPool, WorkersShareTheWorkAndGiveTheSameBits) {
  for (const char* pool : {"mean", "max"}) {
    const TokenPool layer({{"pool", std::string(pool)}});
    EXPECT_EQ(CheckSharedWork(
                  layer, testing::MakeLayerValues(layer, {Shape{65, 128}}, 30, Mode::kTraining, 5)),
              "");
  }
}

TEST(TokenPool, RefusesShapesThatDoNotFit) {
  const TokenPool layer({});
  EXPECT_EQ(layer.OutputShape(std::vector{Shape{5, 6}}), Shape{6});
  EXPECT_EQ(layer.OutputShape(std::vector{Shape{5, 6}, Shape{1}}), Shape{6});
  EXPECT_THROW(layer.OutputShape(std::vector{Shape{6}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector{Shape{1, 5, 6}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector{Shape{5, 6}, Shape{5}}), Error);
  EXPECT_THROW(layer.OutputShape(std::vector{Shape{5, 6}, Shape{1}, Shape{1}}), Error);
}

}  // namespace
}  // namespace espalier
