// SPDX-License-Identifier: Apache-2.0

// Plans of networks whose layers compute element by element: what is fused, and what must not be.

#include <gtest/gtest.h>

#include <string>

#include "inference/inference_run.h"
#include "inference/inference_plan.h"
#include "testing/cpu_targets.h"
#include "testing/inference_networks.h"
#include "testing/reference_forward.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::Spec;

std::vector<float> Run(const InferencePlan& plan, const NetworkState& state, std::int64_t batch,
                       const std::vector<float>& inputs) {
  const auto buffers = plan.MakeRun(1);
  std::vector<float> output(static_cast<std::size_t>(
      batch * state.value(state.logits(state.heads[0])).shape.element_count()));
  const float* const from = inputs.data();
  float* const to = output.data();
  plan.Run(batch, {&from, 1}, {&to, 1}, *buffers);
  return output;
}

// The one head is as layer by layer; an example alone has the bits that it has in a batch.
void ExpectLikeReference(Network network, const std::string& description) {
  testing::Scatter(network);
  const NetworkState& state = *network.state();
  const int logits = state.logits(state.heads[0]);
  const InferencePlan plan(state, {}, {logits}, 3);
  EXPECT_EQ(plan.Describe(), description);
  const std::int64_t floats = state.value(0).shape.element_count();
  const std::vector<float> inputs = testing::NormalFloats(3 * floats, 5);
  const auto expected = testing::ReferenceForward(state, 3, inputs);
  testing::ForEachCpuTarget([&] {
    const InferencePlan here(state, {}, {logits}, 3);
    const std::vector<float> got = Run(here, state, 3, inputs);
    EXPECT_LE(testing::RelativeNorm(got, expected[static_cast<std::size_t>(logits)]), 1e-5);
    const std::vector<float> second(inputs.begin() + floats, inputs.begin() + 2 * floats);
    const auto width = static_cast<std::ptrdiff_t>(got.size() / 3);
    EXPECT_TRUE(
        testing::SameBits(Run(here, state, 1, second),
                          std::vector<float>(got.begin() + width, got.begin() + 2 * width)));
  });
}

TEST(PointwiseLayers, SqueezeExcitationIsAPassOverItsImage) {
  NetworkBuilder builder(Shape::Image(3, 20, 17));
  builder.Conv2d("stem", 24, 3).BatchNorm("norm").Layer(Spec("hard_swish", "act", {}));
  builder.SqueezeExcitation("se", 24, 6, {.activation = "silu"});
  builder.Conv2d("conv", 10, 1).Layer(Spec("mish", "act2", {}));
  builder.SqueezeExcitation("se2", 10, 3, {.gate = "hard_sigmoid"}).Relu();
  builder.Layer(Spec("global_average_pool2d", "pool", {}));
  builder.Head("signs", LabelsTask({"a", "b"}));
  ExpectLikeReference(builder.Build(1),
                      "channels last\n"
                      "stem + norm + act\n"
                      "se.pool\n"
                      "se.reduce + se.activation\n"
                      "se.expand + se.gate\n"
                      "se\n"
                      "conv + act2\n"
                      "se2.pool\n"
                      "se2.reduce + se2.activation\n"
                      "se2.expand + se2.gate\n"
                      "se2\n"
                      "relu1\n"
                      "pool\n"
                      "heads.signs.dense\n");
}

// A sum of values of two shapes is not what a convolution can add, and takes no activation.
TEST(PointwiseLayers, SumsOfTwoShapesStandAlone) {
  NetworkBuilder builder(Shape::Image(3, 9, 11));
  builder.Conv2d("small", 1, 3).From("input").Conv2d("large", 5, 3);
  builder.Add("sum", "small", "large").Relu();
  builder.Layer(Spec("softmax", {{"axis", std::string("channels")}}, "shares"));
  builder.Mul("shared", "shares", "large").Layer(Spec("sub", "rest", {"large", "shared"}));
  builder.Layer(Spec("elu", {{"alpha", 0.3}}, "bent"));
  builder.Head("signs", LabelsTask({"a", "b"}));
  ExpectLikeReference(builder.Build(1),
                      "channels last\n"
                      "small\n"
                      "large\n"
                      "sum\n"
                      "relu1\n"
                      "shares\n"
                      "shared\n"
                      "rest\n"
                      "bent\n"
                      "heads.signs.dense\n");
}

// The last dimension of an image is not where a row of it lies inside: it is moved there and back.
TEST(PointwiseLayers, ValuesAreMovedForASoftmaxOfTheLastDimension) {
  NetworkBuilder builder(Shape::Image(3, 9, 11));
  builder.Conv2d("conv", 5, 3).Layer(Spec("log_softmax", "logs", {}));
  builder.Layer(Spec("mul", "both", {"conv", "logs"}))
      .Layer(Spec("mul", "again", {"logs", "conv"}));
  builder.Conv2d("last", 4, 3).Head("signs", LabelsTask({"a", "b"}));
  ExpectLikeReference(builder.Build(1),
                      "channels last\n"
                      "conv\n"
                      "row-major\n"
                      "logs\n"
                      "again\n"
                      "channels last\n"
                      "last\n"
                      "heads.signs.dense\n");
}

}  // namespace
}  // namespace espalier
