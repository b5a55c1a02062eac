// SPDX-License-Identifier: Apache-2.0
#include "layers/constant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "testing/layer_check.h"
#include "testing/messages.h"

namespace espalier {
namespace {

using testing::Doubles;
using testing::LayerGradients;
using testing::LayerReport;
using testing::LayerValues;
using testing::MessageOf;
using Ints = std::vector<std::int64_t>;

class ConstantReference : public testing::LayerReference {
 public:
  Doubles Forward(const LayerValues& values) const override {
    Doubles y;
    for (std::int64_t i = 0; i < values.batch; ++i) {
      y.insert(y.end(), values.parameters[0].begin(), values.parameters[0].end());
    }
    return y;
  }

  LayerGradients Backward(const LayerValues& values, const Doubles& grad) const override {
    LayerGradients result;
    result.parameters.emplace_back(values.parameters[0].size());
    for (std::size_t i = 0; i < grad.size(); ++i) {
      result.parameters[0][i % values.parameters[0].size()] += grad[i];
    }
    return result;
  }
};

struct Case {
  Ints shape;
  std::int64_t batch;
};

const Case kCases[] = {{{1}, 1},      {{1}, 3},       {{7}, 2},        {{5, 17}, 4},
                       {{16, 15}, 2}, {{33, 31}, 1},  {{3, 4, 5}, 9},  {{2, 3, 4, 5}, 3},
                       {{65}, 33},    {{128, 65}, 5}, {{1, 1, 64}, 64}};

Constant Floats(const Ints& shape) { return Constant({{"shape", shape}}); }

TEST(Constant, MatchesReferenceAndItsGradient) {
  for (const Case& c : kCases) {
    const Constant layer = Floats(c.shape);
    SCOPED_TRACE(Concat(layer.OutputShape({}).ToString(), ", batch ", c.batch));
    const LayerReport report =
        CheckLayer(layer, ConstantReference(),
                   testing::MakeLayerValues(layer, {}, c.batch, Mode::kTraining, 3));
    EXPECT_TRUE(report.problems.empty()) << report.Summary();
    EXPECT_GT(report.checked, 0u);
  }
}

TEST(Constant, TakesNoInputs) {
  const Constant layer = Floats({2, 3});
  EXPECT_FALSE(TakesInputs(layer.kind()));
  EXPECT_TRUE(TakesInputs("dense"));
  EXPECT_EQ(layer.OutputShape({}), (Shape{2, 3}));
  EXPECT_EQ(layer.OutputType(), ElementType::kFloat32);
  EXPECT_EQ(MessageOf(ErrorCode::kShapeMismatch, [&] { layer.OutputShape(std::vector{Shape{4}}); }),
            "SHAPE_MISMATCH: constant: expected no inputs, got 1");
}

// Of a text's positions a batch may need the first ones alone.
TEST(Constant, GivesTheFirstPositions) {
  const Constant layer = Floats({5, 3});
  LayerValues values = testing::MakeLayerValues(layer, {}, 4, Mode::kTraining, 3);
  values.output_shape = Shape{2, 3};
  const auto run = RunLayer(layer, values, Doubles(24, 0.5), 2);
  ASSERT_TRUE(run.is_intact);
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(static_cast<double>(run.output[i]), values.parameters[0][i % 6]) << i;
  }
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(run.grad_parameters[0][i], i < 6 ? 2.0f : 0.0f);
}

TEST(Constant, OfIntegersHasNoParameters) {
  const Constant layer({{"shape", Ints{2, 2}}, {"integers", Ints{-7, 0, 2147483647, -2147483648}}});
  EXPECT_EQ(layer.OutputType(), ElementType::kInt32);
  EXPECT_FALSE(layer.HasBackward());
  EXPECT_TRUE(layer.Parameters({}).empty());
  const auto again = MakeLayer("constant", layer.attributes());
  EXPECT_EQ(again->attributes(), layer.attributes());
  const auto run = RunLayer(layer, testing::MakeLayerValues(layer, {}, 3, Mode::kEvaluation, 3),
                            Doubles(12, 1.0), 2);
  for (std::size_t i = 0; i < 12; ++i) {
    constexpr std::int32_t kExpected[] = {-7, 0, 2147483647, -2147483647 - 1};
    EXPECT_EQ(std::bit_cast<std::int32_t>(run.output[i]), kExpected[i % 4]) << i;
  }
}

TEST(Constant, RefusesIntegersThatDoNotFit) {
  const auto message = [](const Ints& integers) {
    return MessageOf(ErrorCode::kInvalidArgument,
                     [&] { Constant({{"shape", Ints{2, 2}}, {"integers", integers}}); });
  };
  EXPECT_NE(message({1, 2, 3}).find("expected 4, one an element of [2, 2], got 3"),
            std::string::npos);
  EXPECT_NE(message({}).find("got 0"), std::string::npos);
  EXPECT_NE(message({1, 2, 3, 2147483648}).find("from -2147483648 to 2147483647"),
            std::string::npos);
}

TEST(Constant, StartsAsItsAttributeSays) {
  const Constant layer({{"shape", Ints{2}}, {"initializer_value", 1e-4}});
  const ParameterSpec parameter = layer.Parameters({})[0];
  EXPECT_EQ(parameter.initializer.name, "constant");
  EXPECT_EQ(parameter.initializer.value, 1e-4);
  EXPECT_EQ(parameter.shape, Shape{2});
}

TEST(Constant, WorkersShareTheWorkAndGiveTheSameBits) {
  const Constant layer = Floats({65, 128});
  EXPECT_EQ(CheckSharedWork(layer, testing::MakeLayerValues(layer, {}, 30, Mode::kTraining, 5)),
            "");
}

}  // namespace
}  // namespace espalier
