// SPDX-License-Identifier: Apache-2.0
#include "losses/own_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "losses/loss.h"
#include "testing/loss_check.h"
#include "testing/loss_sample.h"
#include "testing/messages.h"
#include "testing/own_losses.h"

namespace espalier {
namespace {

using testing::FunctionLoss;
using testing::Labelling;
using testing::LossSample;
using testing::ReferenceTaskLoss;

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

// The built-in losses, written as one's own: what becomes of their answers is the same.
TEST(OwnLoss, ScalesAndPlacesLikeTheTasksOwn) {
  for (const auto& [name, task] : testing::LossTasks()) {
    if (task.normalization == LossNormalization::kPerLabel && task.kind != TaskKind::kClasses) {
      continue;
    }
    for (const auto& [batch, width] : testing::kLossShapes) {
      for (const Labelling labelling : {Labelling::kAll, Labelling::kNaN, Labelling::kMask}) {
        SCOPED_TRACE(name + " " + std::to_string(batch) + "x" + std::to_string(width));
        const LossSample sample = testing::MakeLossSample(task, batch, width, labelling);
        const testing::ComputedLoss expected = testing::ComputeShipped(sample);
        const std::int64_t stride = width + 2;
        std::vector<float> logits(Index(batch * stride), testing::kNaN);
        std::vector<float> gradients(logits.size(), 7.0f);
        for (std::int64_t row = 0; row < batch; ++row) {
          std::copy_n(sample.logits.begin() + row * width, width, logits.begin() + row * stride);
        }
        OwnLoss own(name, sample.task, batch + 1);
        std::vector<std::uint8_t> active(Index(width), 7);
        EXPECT_EQ(own.Read(batch, sample.targets(), logits.data(), stride, active),
                  expected.result.labelled);
        EXPECT_EQ(active, expected.active);
        const double loss =
            own.Accept(own.Compute(ReferenceTaskLoss(sample.task)), gradients.data(), stride);
        EXPECT_NEAR(loss, expected.result.loss, 1e-5 * std::abs(expected.result.loss) + 1e-9);
        for (std::int64_t row = 0; row < batch; ++row) {
          for (std::int64_t j = 0; j < stride; ++j) {
            const float gradient = gradients[Index(row * stride + j)];
            if (j >= width) {
              EXPECT_EQ(gradient, 7.0f);
              continue;
            }
            const float other = expected.gradient[Index(row * width + j)];
            EXPECT_NEAR(gradient, other, 1e-5f * std::abs(other) + 1e-7f);
            const std::size_t entry =
                Index(task.kind == TaskKind::kClasses ? row : row * width + j);
            const bool is_labelled = own.batch().mask[entry] != 0;
            EXPECT_EQ(std::isnan(own.batch().logits[Index(row * width + j)]), !is_labelled);
            if (!is_labelled) {
              EXPECT_EQ(gradient, 0.0f);
            }
          }
        }
      }
    }
  }
}

TEST(OwnLoss, IsNotAskedWhereNothingIsLabelled) {
  const FunctionLoss loss([](const LossBatch&, std::span<float>) -> double {
    ADD_FAILURE();
    return 1.0;
  });
  for (const TaskKind kind : {TaskKind::kLabels, TaskKind::kClasses, TaskKind::kValues}) {
    TaskSpec task{.kind = kind, .labels = testing::LabelNames(2)};
    for (const auto normalization :
         {LossNormalization::kExamples, LossNormalization::kLabelledEntries}) {
      task.normalization = normalization;
      OwnLoss own("side", task, 3);
      const std::vector<float> logits(6, 1.0f);
      std::vector<float> gradients(6, 7.0f);
      EXPECT_EQ(own.Read(3, {}, logits.data(), 2, {}), 0);
      EXPECT_EQ(own.Accept(own.Compute(loss), gradients.data(), 2), 0.0);
      EXPECT_EQ(gradients, std::vector<float>(6));
    }
  }
}

TEST(OwnLoss, RefusesAnswersByRowAndColumn) {
  const TaskSpec task{.labels = {"low", "right"}};
  OwnLoss own("side", task, 3);
  const std::vector<float> logits(6, 1.0f);
  const std::vector<float> targets = {1, 0, testing::kNaN, 1, 0, testing::kNaN};
  own.Read(3, {.values = targets}, logits.data(), 2, {});
  std::vector<float> gradients(6);
  const auto accept = [&] { own.Accept({.sum = 1.0, .gradients = gradients}, nullptr, 0); };
  accept();
  gradients[2] = -0.0f;
  accept();
  for (const float wrong : {0.5f, testing::kNaN, 1e-38f}) {
    gradients[2] = wrong;
    EXPECT_NE(testing::MessageOf(ErrorCode::kInvalidArgument, accept)
                  .find("loss of task 'side', row 1, column 0 (low): expected a gradient of 0, as "
                        "nothing is labelled, got "),
              std::string::npos);
  }
  gradients[2] = 0.0f;
  gradients[3] = -INFINITY;
  EXPECT_NE(testing::MessageOf(ErrorCode::kNonFinite, accept)
                .find("row 1, column 1 (right): expected a gradient that is finite, got -inf"),
            std::string::npos);
  EXPECT_TRUE(std::isnan(own.Accept({.sum = NAN, .gradients = gradients}, nullptr, 0)));
  gradients.pop_back();
  testing::MessageOf(ErrorCode::kShapeMismatch, accept);
}

TEST(OwnLoss, RefusesSumsByLabel) {
  for (const TaskKind kind : {TaskKind::kLabels, TaskKind::kClasses, TaskKind::kValues}) {
    const TaskSpec task{.kind = kind,
                        .labels = testing::LabelNames(2),
                        .normalization = LossNormalization::kPerLabel};
    if (kind == TaskKind::kClasses) {
      OwnLoss("side", task, 1);
    } else {
      testing::MessageOf(ErrorCode::kInvalidArgument, [&] { OwnLoss("side", task, 1); });
    }
  }
}

TEST(LossCheck, FindsNothingWrongInTheTasksLosses) {
  for (const auto& [name, task] : testing::LossTasks()) {
    if (!task.positive_weights.empty() || !task.class_weights.empty()) continue;
    EXPECT_EQ(testing::LossProblems(task.kind, ReferenceTaskLoss(task)), std::vector<std::string>{})
        << name;
  }
}

TEST(LossCheck, FindsWhatIsWrong) {
  const ReferenceTaskLoss logistic(TaskSpec{});
  using Change = std::function<double(const LossBatch&, std::span<float>, double)>;
  const auto expect = [&](const char* problem, const Change& change) {
    const FunctionLoss loss([&](const LossBatch& batch, std::span<float> gradients) {
      return change(batch, gradients, logistic.Compute(batch, gradients));
    });
    bool is_found = false;
    for (const std::string& found : testing::LossProblems(TaskKind::kLabels, loss)) {
      is_found = is_found || found.find(problem) != std::string::npos;
    }
    EXPECT_TRUE(is_found) << problem;
  };
  expect("by differences", [](const LossBatch&, std::span<float>, double sum) { return 2 * sum; });
  expect("where nothing is labelled", [](const LossBatch&, std::span<float> gradients, double sum) {
    for (float& gradient : gradients) gradient += 0.5f;
    return sum;
  });
  expect("gradients of an example alone",
         [](const LossBatch& batch, std::span<float> gradients, double sum) {
           for (float& gradient : gradients) gradient /= static_cast<float>(batch.examples);
           return sum;
         });
  expect("examples' losses alone", [](const LossBatch& batch, std::span<float>, double sum) {
    return sum / static_cast<double>(batch.examples);
  });
  expect("finite", [](const LossBatch& batch, std::span<float>, double sum) {
    return std::abs(batch.logits[0]) > 40.0f ? INFINITY : sum;
  });
  int calls = 0;
  expect("the same of the same",
         [&](const LossBatch&, std::span<float>, double) { return static_cast<double>(++calls); });
}

}  // namespace
}  // namespace espalier
