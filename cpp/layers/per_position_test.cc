// SPDX-License-Identifier: Apache-2.0
#include "layers/per_position.h"

#include <gtest/gtest.h>

#include "layers/dense.h"
#include "layers/layer_norm.h"
#include "testing/layer_check.h"

namespace espalier {
namespace {

using testing::CheckLayer;
using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;

std::size_t WidthOf(const LayerValues& values) {
  const Shape& shape = values.input_shapes[0];
  return static_cast<std::size_t>(shape[shape.rank() - 1]);
}

class DenseReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    return Multiply(values, [](double number) { return number; });
  }

  Doubles Tolerance(const LayerValues& values) const override {
    Doubles result = Multiply(values, [](double number) { return std::abs(number); });
    for (double& value : result) value = testing::SumTolerance(WidthOf(values) + 1, value);
    return result;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    const std::size_t width = WidthOf(values);
    const std::size_t units = values.parameters[0].size() / width;
    LayerGradients result;
    result.inputs.emplace_back(values.inputs[0].size());
    for (const Doubles& parameter : values.parameters) {
      result.parameters.emplace_back(parameter.size());
    }
    for (std::size_t i = 0; i < grad.size(); ++i) {
      const std::size_t row = i / units;
      const std::size_t u = i % units;
      for (std::size_t k = 0; k < width; ++k) {
        result.inputs[0][row * width + k] += grad[i] * values.parameters[0][u * width + k];
        result.parameters[0][u * width + k] += grad[i] * values.inputs[0][row * width + k];
      }
      if (result.parameters.size() > 1) result.parameters[1][u] += grad[i];
    }
    return result;
  }

 private:
  template <typename Transform>
  static Doubles Multiply(const LayerValues& values, Transform transform) {
    const std::size_t width = WidthOf(values);
    const std::size_t units = values.parameters[0].size() / width;
    Doubles output(values.inputs[0].size() / width * units);
    for (std::size_t i = 0; i < output.size(); ++i) {
      const std::size_t row = i / units;
      const std::size_t u = i % units;
      if (values.parameters.size() > 1) output[i] = transform(values.parameters[1][u]);
      for (std::size_t k = 0; k < width; ++k) {
        output[i] +=
            transform(values.inputs[0][row * width + k] * values.parameters[0][u * width + k]);
      }
    }
    return output;
  }
};

class LayerNormReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    const std::size_t width = WidthOf(values);
    Doubles y(values.inputs[0].size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const Moments m = For(values, i / width);
      y[i] = (values.inputs[0][i] - m.mean) * m.scale * values.parameters[0][i % width] +
             values.parameters[1][i % width];
    }
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    const std::size_t width = WidthOf(values);
    LayerGradients result;
    result.inputs.emplace_back(grad.size());
    result.parameters = {Doubles(width), Doubles(width)};
    for (std::size_t row = 0; row < grad.size() / width; ++row) {
      const Moments m = For(values, row);
      const auto normalized = [&](std::size_t j) {
        return (values.inputs[0][row * width + j] - m.mean) * m.scale;
      };
      double sum = 0.0, product = 0.0;
      for (std::size_t j = 0; j < width; ++j) {
        const double g = grad[row * width + j];
        result.parameters[0][j] += g * normalized(j);
        result.parameters[1][j] += g;
        sum += g * values.parameters[0][j] / static_cast<double>(width);
        product += g * values.parameters[0][j] * normalized(j) / static_cast<double>(width);
      }
      for (std::size_t j = 0; j < width; ++j) {
        result.inputs[0][row * width + j] =
            m.scale *
            (grad[row * width + j] * values.parameters[0][j] - sum - normalized(j) * product);
      }
    }
    return result;
  }

 private:
  struct Moments {
    double mean, scale;
  };

  static Moments For(const LayerValues& values, std::size_t row) {
    const std::size_t width = WidthOf(values);
    const double count = static_cast<double>(width);
    double mean = 0.0, variance = 0.0;
    for (std::size_t j = 0; j < width; ++j) mean += values.inputs[0][row * width + j] / count;
    for (std::size_t j = 0; j < width; ++j) {
      const double difference = values.inputs[0][row * width + j] - mean;
      variance += difference * difference / count;
    }
    return {mean, 1.0 / std::sqrt(variance + static_cast<double>(1e-5f))};
  }
};

std::shared_ptr<const Layer> PerPositionDense(std::int64_t units, bool has_bias = true) {
  return MakeLayer("dense", {{"units", units}, {"bias", has_bias}, {"per_position", true}});
}

struct Case {
  Shape input;
  std::int64_t units;
  std::int64_t batch;
};

const Case kCases[] = {{{1, 1}, 1, 1},    {{1, 3}, 2, 2},    {{3, 1}, 17, 3},     {{17, 3}, 1, 1},
                       {{5, 15}, 16, 2},  {{2, 16}, 17, 4},  {{31, 17}, 15, 3},   {{33, 31}, 33, 1},
                       {{7, 103}, 14, 2}, {{2, 3, 5}, 4, 3}, {{64, 2}, 65, 2},    {{1, 257}, 5, 9},
                       {{16, 32}, 96, 2}, {{1, 1, 7}, 3, 5}, {{2, 2, 2, 9}, 8, 2}};

TEST(PerPosition, DenseMatchesReferenceAndItsGradient) {
  for (const bool has_bias : {true, false}) {
    for (const Case& c : kCases) {
      SCOPED_TRACE(Concat(c.input.ToString(), " to ", c.units, ", batch ", c.batch));
      const auto layer = PerPositionDense(c.units, has_bias);
      const LayerReport report =
          CheckLayer(*layer, DenseReference(),
                     testing::MakeLayerValues(*layer, {c.input}, c.batch, Mode::kTraining, 3));
      EXPECT_TRUE(report.problems.empty()) << report.Summary();
      EXPECT_GT(report.checked, 0u);
    }
  }
}

// Widths of two or three are left out for the reason given in batch_norm_test.cc.
TEST(PerPosition, LayerNormMatchesReferenceAndItsGradient) {
  const auto layer = MakeLayer("layer_norm", {{"per_position", true}});
  for (const Case& c : kCases) {
    const std::int64_t width = c.input[c.input.rank() - 1];
    if (width == 2 || width == 3) continue;
    SCOPED_TRACE(Concat(c.input.ToString(), ", batch ", c.batch));
    const LayerReport report =
        CheckLayer(*layer, LayerNormReference(),
                   testing::MakeLayerValues(*layer, {c.input}, c.batch, Mode::kTraining, 3));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(PerPosition, ChangesTheLastDimensionAlone) {
  const auto dense = PerPositionDense(8);
  const Shape input[] = {Shape{5, 6, 7}};
  EXPECT_EQ(dense->OutputShape(input), (Shape{5, 6, 8}));
  const auto parameters = dense->Parameters(input);
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].shape, (Shape{8, 7}));
  EXPECT_EQ(parameters[0].initializer.fan_in, 7);
  EXPECT_EQ(parameters[1].shape, (Shape{8}));
  const auto norm = MakeLayer("layer_norm", {{"per_position", true}});
  EXPECT_EQ(norm->OutputShape(input), input[0]);
  EXPECT_EQ(norm->Parameters(input)[0].shape, (Shape{7}));
  const Shape vector[] = {Shape{7}};
  EXPECT_THROW(dense->OutputShape(vector), Error);
  EXPECT_THROW(norm->OutputShape(vector), Error);
}

TEST(PerPosition, IsMadeWhereTheAttributeSaysSo) {
  for (const char* kind : {"dense", "layer_norm"}) {
    Attributes attributes;
    if (std::string(kind) == "dense") attributes["units"] = std::int64_t{3};
    EXPECT_EQ(dynamic_cast<const PerPosition*>(MakeLayer(kind, attributes).get()), nullptr);
    attributes["per_position"] = false;
    EXPECT_EQ(dynamic_cast<const PerPosition*>(MakeLayer(kind, attributes).get()), nullptr);
    attributes["per_position"] = true;
    const auto layer = MakeLayer(kind, attributes);
    EXPECT_NE(dynamic_cast<const PerPosition*>(layer.get()), nullptr);
    EXPECT_EQ(layer->kind(), kind);
    EXPECT_EQ(layer->attributes().at("per_position"), AttributeValue(true));
    EXPECT_EQ(MakeLayer(kind, layer->attributes())->attributes(), layer->attributes());
  }
}

TEST(PerPosition, WorkersShareTheWorkAndGiveTheSameBits) {
  const Shape tokens{65, 128};
  const auto dense = PerPositionDense(300);
  EXPECT_EQ(
      CheckSharedWork(*dense, testing::MakeLayerValues(*dense, {tokens}, 9, Mode::kTraining, 5)),
      "");
  const auto norm = MakeLayer("layer_norm", {{"per_position", true}});
  EXPECT_EQ(
      CheckSharedWork(*norm, testing::MakeLayerValues(*norm, {tokens}, 30, Mode::kTraining, 5)),
      "");
}

// The same rows in a batch of one, in one of many and at other positions.
TEST(PerPosition, BitsDependOnTheRowAlone) {
  const auto layer = PerPositionDense(33);
  testing::ForEachCpuTarget([&] {
    LayerValues many = testing::MakeLayerValues(*layer, {Shape{37, 51}}, 7, Mode::kTraining, 6);
    const auto whole = RunLayer(*layer, many, Doubles(7 * 37 * 33, 1.0), 1).output;
    LayerValues one = many;
    one.batch = 1;
    one.input_shapes = {Shape{1, 51}};
    one.output_shape = Shape{1, 33};
    for (const std::size_t row : {std::size_t{0}, std::size_t{36}, std::size_t{200}}) {
      const auto begin = many.inputs[0].begin() + static_cast<std::ptrdiff_t>(row * 51);
      one.inputs[0].assign(begin, begin + 51);
      const auto alone = RunLayer(*layer, one, Doubles(33, 1.0), 1).output;
      EXPECT_TRUE(testing::SameBits(alone, std::span(whole).subspan(row * 33, 33)));
    }
  });
}

}  // namespace
}  // namespace espalier
