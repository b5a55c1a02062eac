// SPDX-License-Identifier: Apache-2.0
#include "espalier/evaluation.h"

#include <array>
#include <vector>

#include "espalier/builder.h"
#include "espalier/error.h"
#include "espalier/predictor.h"
#include "gtest/gtest.h"
#include "network/network_state.h"
#include "testing/messages.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

Network TwoHeads() {
  return NetworkBuilder(Shape::Vector(2))
      .Dense("dense", 3)
      .Head("trait", LabelsTask({"a", "b"}))
      .Head("digit", ClassesTask(3))
      .Build(1);
}

TEST(Evaluation, OfNoExamplesIsNothing) {
  const Network network = TwoHeads();
  const std::array<TaskTargets, 2> targets;
  const std::vector<TaskLoss> losses = TaskLosses(network, 0, {}, targets);
  ASSERT_EQ(losses.size(), 2u);
  for (const TaskLoss& loss : losses) {
    EXPECT_EQ(loss.loss, 0.0);
    EXPECT_EQ(loss.labelled, 0);
  }
  EXPECT_NO_THROW(LogitsToProbabilities(network, 0, {}));
}

TEST(Evaluation, WrongSizesAreErrors) {
  const Network network = TwoHeads();
  const std::array<TaskTargets, 2> targets;
  std::vector<float> logits(11);
  testing::MessageOf(ErrorCode::kShapeMismatch, [&] { TaskLosses(network, 2, logits, targets); });
  testing::MessageOf(ErrorCode::kShapeMismatch,
                     [&] { TaskLosses(network, 0, {}, std::span(targets).first(1)); });
  testing::MessageOf(ErrorCode::kShapeMismatch, [&] { LogitsToProbabilities(network, 2, logits); });
  testing::MessageOf(ErrorCode::kInvalidArgument, [&] { LogitsToProbabilities(network, -1, {}); });
}

// Down to where probabilities are denormal, which predictors make zero.
TEST(Evaluation, ProbabilitiesHaveThePredictorsBits) {
  Network network = NetworkBuilder(Shape::Vector(1))
                        .From(kInputName)
                        .Head("trait", LabelsTask({"a", "b"}))
                        .From(kInputName)
                        .Head("digit", ClassesTask(3))
                        .Build(1);
  network.WriteParameter("heads.trait.dense.weight", std::array{-1.0f, 0.01f});
  network.WriteParameter("heads.digit.dense.weight", std::array{0.0f, 1.0f, 0.99f});
  const std::array<float, 4> inputs = {0.5f, 60.0f, 95.0f, 103.0f};
  std::vector<float> probabilities(4 * 5);
  Predictor(network).Predict(4, inputs, probabilities);
  std::vector<float> values(4 * 5);
  Predictor(network, {.logits = true}).Predict(4, inputs, values);
  EXPECT_EQ(values[3 * 5], -103.0f);
  LogitsToProbabilities(network, 4, values);
  EXPECT_TRUE(testing::SameBits(values, probabilities));
}

// A change of thresholds moves the tasks that these read.
TEST(Evaluation, KeepsOutWhoChangesTheNetworkMeanwhile) {
  const Network network = TwoHeads();
  const std::array<TaskTargets, 2> targets;
  std::vector<float> logits(5);
  const WriteScope changing(network.state()->access, "set thresholds");
  testing::MessageOf(ErrorCode::kBusy, [&] { TaskLosses(network, 1, logits, targets); });
  testing::MessageOf(ErrorCode::kBusy, [&] { LogitsToProbabilities(network, 1, logits); });
}

}  // namespace
}  // namespace espalier
