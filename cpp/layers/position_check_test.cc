// SPDX-License-Identifier: Apache-2.0
#include "testing/position_check.h"

#include <gtest/gtest.h>

#include "layers/conv1d.h"
#include "layers/token_pool.h"

namespace espalier {
namespace {

// A convolution that would have it that position i is made of position i.
class Lying final : public Layer {
 public:
  std::string_view kind() const override { return "lying"; }
  Attributes attributes() const override { return {}; }
  Shape OutputShape(std::span<const Shape> inputs) const override { return inputs[0]; }
  LayoutRule layout_rule() const override { return LayoutRule::kRowMajor; }
  PositionUse InputPositions(std::size_t /*input*/,
                             std::span<const Shape> /*inputs*/) const override {
    return PositionUse::kSame;
  }
  std::int64_t Work(std::span<const Shape> inputs) const override {
    return inputs[0].element_count();
  }
  void Forward(const ForwardArguments& arguments) const override {
    const std::int64_t width = arguments.output_shape[1];
    const std::int64_t floats = arguments.output_shape.element_count();
    for (std::int64_t i = 0; i < arguments.batch * floats; ++i) {
      const bool is_last = i % floats >= floats - width;
      arguments.output[i] = is_last ? 0.0f : arguments.inputs[0][i + width];
    }
  }
  bool HasBackward() const override { return false; }
  void Backward(const BackwardArguments& /*arguments*/) const override {}
};

TEST(PositionCheck, FindsALayerThatReadsOtherPositions) {
  const Lying layer;
  const auto values = testing::MakeLayerValues(layer, {Shape{6, 3}}, 2, Mode::kEvaluation, 1);
  EXPECT_EQ(testing::CheckPositions(layer, values), "differs on the first positions alone");
}

TEST(PositionCheck, LetsALayerReadThemAll) {
  const Conv1d layer({{"channels", std::int64_t{3}}, {"kernel", std::int64_t{3}}});
  const auto values = testing::MakeLayerValues(layer, {Shape{6, 3}}, 2, Mode::kEvaluation, 1);
  EXPECT_EQ(testing::CheckPositions(layer, values), "");
}

TEST(PositionCheck, LetsPoolingReadTheValidOnes) {
  const TokenPool layer({});
  auto values = testing::MakeLayerValues(layer, {Shape{6, 3}, Shape{1}}, 2, Mode::kEvaluation, 1);
  values.inputs[1] = {2, 6};
  EXPECT_EQ(testing::CheckPositions(layer, values), "");
}

}  // namespace
}  // namespace espalier
