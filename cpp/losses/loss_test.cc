// SPDX-License-Identifier: Apache-2.0
#include "losses/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "testing/cpu_targets.h"
#include "testing/gradient_check.h"
#include "testing/loss_sample.h"

namespace espalier {
namespace {

using testing::ComputedLoss;
using testing::ComputeReference;
using testing::ComputeReferenceLoss;
using testing::ComputeShipped;
using testing::kGradientRelativeNorm;
using testing::kLossShapes;
using testing::kNaN;
using testing::Labelling;
using testing::LossSample;
using testing::LossTasks;
using testing::MakeLossSample;
using testing::ReferenceLoss;
using testing::RelativeNorm;
using testing::SameBits;

bool IsNearKink(const LossSample& sample, std::size_t i) {
  if (sample.task.loss != LossKind::kHuber) return false;
  const double distance =
      std::abs(static_cast<double>(sample.logits[i]) - static_cast<double>(sample.values[i]));
  return std::abs(distance - sample.task.huber_delta) < 1e-4;
}

TEST(Loss, ReferenceGradientAgreesWithCentralDifferences) {
  std::size_t skipped = 0;
  std::size_t checked = 0;
  for (const auto& [name, task] : LossTasks()) {
    SCOPED_TRACE(name);
    for (const auto& [batch, width] : kLossShapes) {
      const LossSample sample = MakeLossSample(task, batch, width, Labelling::kNaN);
      std::vector<double> point = testing::ToDouble(sample.logits);
      const testing::GradientCheck check = testing::CheckGradient(
          point, ComputeReference(sample).gradient,
          [&] {
            return ComputeReferenceLoss(sample.task, sample.targets(),
                                        static_cast<std::size_t>(batch), point)
                .loss;
          },
          1e-6, [&](std::size_t i) { return IsNearKink(sample, i); });
      EXPECT_EQ(check.failed, 0u) << batch << "x" << width << " worst " << check.worst_excess;
      skipped += check.skipped;
      checked += check.checked;
    }
  }
  RecordProperty("skipped_near_kinks", static_cast<int>(skipped));
  EXPECT_LT(skipped * 100, checked);
}

TEST(Loss, ShippedLossAndGradientAgreeWithTheReference) {
  const auto tasks = LossTasks();
  testing::ForEachCpuTarget([&] {
    for (const auto& [name, task] : tasks) {
      SCOPED_TRACE(name);
      for (const auto& [batch, width] : kLossShapes) {
        for (const Labelling labelling : {Labelling::kAll, Labelling::kNaN, Labelling::kMask}) {
          SCOPED_TRACE(::testing::Message() << batch << "x" << width);
          const LossSample sample = MakeLossSample(task, batch, width, labelling);
          const ReferenceLoss reference = ComputeReference(sample);
          const ComputedLoss computed = ComputeShipped(sample);
          EXPECT_EQ(computed.result.labelled, reference.labelled);
          EXPECT_NEAR(computed.result.loss, reference.loss, 1e-6 * std::abs(reference.loss) + 1e-9);
          EXPECT_LE(RelativeNorm(computed.gradient, reference.gradient), kGradientRelativeNorm);
        }
      }
    }
  });
}

TEST(Loss, WrongShippedGradientsFailTheCheck) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : LossTasks()) {
      SCOPED_TRACE(name);
      const LossSample sample = MakeLossSample(task, 5, 9, Labelling::kNaN);
      const ReferenceLoss reference = ComputeReference(sample);
      const std::vector<float> right = ComputeShipped(sample).gradient;
      ASSERT_LE(RelativeNorm(right, reference.gradient), kGradientRelativeNorm);

      // The shipped code with a setting slightly wrong, and its result with single faults.
      LossSample wrong = sample;
      wrong.task.weight *= 1.0001;
      EXPECT_GT(RelativeNorm(ComputeShipped(wrong).gradient, reference.gradient),
                kGradientRelativeNorm);
      if (task.loss == LossKind::kLogistic || task.loss == LossKind::kSoftmax) {
        wrong = sample;
        wrong.task.label_smoothing += 0.001;
        EXPECT_GT(RelativeNorm(ComputeShipped(wrong).gradient, reference.gradient),
                  kGradientRelativeNorm);
      }
      std::size_t largest = 0;
      for (std::size_t i = 0; i < right.size(); ++i) {
        if (std::abs(right[i]) > std::abs(right[largest])) largest = i;
      }
      for (const float factor : {-1.0f, 0.0f, 1.001f, kNaN}) {
        std::vector<float> perturbed = right;
        perturbed[largest] *= factor;
        EXPECT_GT(RelativeNorm(perturbed, reference.gradient), kGradientRelativeNorm);
      }
    }
  });
}

TEST(Loss, IsFiniteAndRightAtLogitsOf100) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : LossTasks()) {
      SCOPED_TRACE(name);
      LossSample sample = MakeLossSample(task, 8, 9, Labelling::kAll, 100.0);
      for (std::size_t i = 0; i < sample.logits.size(); i += 2) {
        sample.logits[i] = sample.logits[i] > 0.0f ? 100.0f : -100.0f;
      }
      const ReferenceLoss reference = ComputeReference(sample);
      const ComputedLoss computed = ComputeShipped(sample);
      ASSERT_TRUE(std::isfinite(computed.result.loss));
      EXPECT_NEAR(computed.result.loss, reference.loss, 2e-6 * std::abs(reference.loss));
      EXPECT_LE(RelativeNorm(computed.gradient, reference.gradient), kGradientRelativeNorm);
    }
  });
}

// Where every answer is nearly right the whole gradient is tiny, yet has to have digits.
TEST(Loss, KeepsTheDigitsOfSmallGradients) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : LossTasks()) {
      if (task.kind == TaskKind::kValues || task.label_smoothing > 0.0) continue;
      SCOPED_TRACE(name);
      LossSample sample = MakeLossSample(task, 6, 17, Labelling::kAll);
      for (std::size_t i = 0; i < sample.logits.size(); ++i) {
        const bool is_right = task.kind == TaskKind::kClasses
                                  ? static_cast<std::size_t>(sample.classes[i / 17]) == i % 17
                                  : sample.values[i] >= 0.5f;
        if (task.kind == TaskKind::kLabels) sample.values[i] = is_right ? 1.0f : 0.0f;
        sample.logits[i] = (is_right ? 1.0f : -1.0f) * (12.0f + static_cast<float>(i % 7));
      }
      const ComputedLoss computed = ComputeShipped(sample);
      EXPECT_LE(RelativeNorm(computed.gradient, ComputeReference(sample).gradient),
                kGradientRelativeNorm);
      const double loss = ComputeReference(sample).loss;
      // log(1 + 1e-11) has no more digits in double either.
      EXPECT_NEAR(computed.result.loss, loss, 1e-5 * loss + 1e-14);
    }
  });
}

TEST(Loss, AnEntrysBitsDoNotDependOnItsPlace) {
  testing::ForEachCpuTarget([] {
    TaskSpec task;
    for (const LossKind loss : {LossKind::kLogistic, LossKind::kFocal}) {
      task.loss = loss;
      LossSample sample = MakeLossSample(task, 3, 67, Labelling::kAll);
      std::fill(sample.logits.begin(), sample.logits.end(), 0.7310585f);
      std::fill(sample.values.begin(), sample.values.end(), 1.0f);
      const std::vector<float> gradient = ComputeShipped(sample).gradient;
      for (const float value : gradient) EXPECT_EQ(value, gradient[0]);
    }
  });
}

TEST(Loss, NonFiniteLogitsOfLabelledEntriesShow) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : LossTasks()) {
      SCOPED_TRACE(name);
      for (std::int64_t width = 1; width <= 35; width += 2) {
        for (std::size_t at = 0; at < static_cast<std::size_t>(width); ++at) {
          LossSample sample = MakeLossSample(task, 1, width, Labelling::kAll);
          sample.logits[at] = kNaN;
          const ComputedLoss computed = ComputeShipped(sample);
          EXPECT_TRUE(std::isnan(computed.result.loss)) << width << " " << at;
          EXPECT_TRUE(std::isnan(computed.gradient[at])) << width << " " << at;
        }
      }
    }
  });
}

TEST(Loss, GradientMayReplaceTheLogitsOrBeLeftOut) {
  for (const auto& [name, task] : LossTasks()) {
    SCOPED_TRACE(name);
    const LossSample sample = MakeLossSample(task, 3, 17, Labelling::kNaN);
    const ComputedLoss expected = ComputeShipped(sample);
    std::vector<float> logits = sample.logits;
    LossArguments arguments{.batch = 3, .width = 17, .logits = logits.data(), .stride = 17};
    EXPECT_EQ(ComputeLoss(sample.task, sample.targets(), arguments).loss, expected.result.loss);
    EXPECT_TRUE(SameBits(logits, sample.logits));
    arguments.grad_logits = logits.data();
    EXPECT_EQ(ComputeLoss(sample.task, sample.targets(), arguments).loss, expected.result.loss);
    EXPECT_TRUE(SameBits(logits, expected.gradient));
  }
}

}  // namespace
}  // namespace espalier
