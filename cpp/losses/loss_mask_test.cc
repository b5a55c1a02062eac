// SPDX-License-Identifier: Apache-2.0

// What is not labelled has no effect, whatever it holds.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "losses/loss.h"
#include "testing/cpu_targets.h"
#include "testing/loss_sample.h"

namespace espalier {
namespace {

using testing::ComputedLoss;
using testing::ComputeShipped;
using testing::kLossShapes;
using testing::kNaN;
using testing::Labelling;
using testing::LossSample;
using testing::LossTasks;
using testing::MakeLossSample;
using testing::SameBits;

TEST(LossMask, NothingUnderTheMaskChangesABit) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : LossTasks()) {
      SCOPED_TRACE(name);
      for (const auto& [batch, width] : kLossShapes) {
        LossSample sample = MakeLossSample(task, batch, width, Labelling::kMask);
        const ComputedLoss before = ComputeShipped(sample);
        int filled = 0;
        for (const std::uint32_t bits :
             {0x00000000u, 0x3f800000u, 0x7fc00000u, 0x7f800001u, 0x7f800000u, 0xff800000u,
              0xffffffffu, 0x00000001u, 0x7f7fffffu}) {
          const float garbage = std::bit_cast<float>(bits);
          for (std::size_t i = 0; i < sample.mask.size(); ++i) {
            if (sample.mask[i] != 0) continue;
            ++filled;
            if (task.kind == TaskKind::kClasses) {
              sample.classes[i] = static_cast<std::int32_t>(bits);
              std::fill_n(sample.logits.begin() + static_cast<std::ptrdiff_t>(i) * width, width,
                          garbage);
            } else {
              sample.values[i] = garbage;
              sample.logits[i] = garbage;
            }
          }
          const ComputedLoss after = ComputeShipped(sample);
          EXPECT_EQ(std::bit_cast<std::uint64_t>(after.result.loss),
                    std::bit_cast<std::uint64_t>(before.result.loss));
          EXPECT_EQ(after.result.labelled, before.result.labelled);
          EXPECT_TRUE(SameBits(after.gradient, before.gradient));
          EXPECT_EQ(after.active, before.active);
        }
        EXPECT_TRUE(filled > 0 || sample.mask.size() < 8);
      }
    }
  });
}

TEST(LossMask, WithoutLabelsIsExactlyZero) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : LossTasks()) {
      SCOPED_TRACE(name);
      LossSample sample = MakeLossSample(task, 3, 17, Labelling::kMask);
      std::fill(sample.mask.begin(), sample.mask.end(), std::uint8_t{0});
      std::fill(sample.logits.begin(), sample.logits.end(), kNaN);
      LossSample absent = sample;
      absent.values.clear();
      absent.classes.clear();
      absent.mask.clear();
      for (const LossSample& empty : {sample, absent}) {
        const ComputedLoss computed = ComputeShipped(empty);
        EXPECT_EQ(std::bit_cast<std::uint64_t>(computed.result.loss), 0u);
        EXPECT_EQ(computed.result.labelled, 0);
        EXPECT_TRUE(SameBits(computed.gradient, std::vector<float>(3 * 17, 0.0f)));
        EXPECT_EQ(computed.active, std::vector<std::uint8_t>(17, 0));
      }
    }
  });
}

TEST(LossMask, MaskOfOnesEqualsNoMask) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : LossTasks()) {
      SCOPED_TRACE(name);
      const LossSample plain = MakeLossSample(task, 4, 17, Labelling::kAll);
      LossSample masked = plain;
      masked.mask.assign(task.kind == TaskKind::kClasses ? 4 : 4 * 17, 1);
      const ComputedLoss a = ComputeShipped(plain);
      const ComputedLoss b = ComputeShipped(masked);
      EXPECT_EQ(a.result.loss, b.result.loss);
      EXPECT_TRUE(SameBits(a.gradient, b.gradient));
      EXPECT_EQ(a.active, std::vector<std::uint8_t>(17, 1));
    }
  });
}

TEST(LossMask, ActiveColumnsAreThoseALabelReaches) {
  TaskSpec task;
  LossSample sample = MakeLossSample(task, 3, 4, Labelling::kAll);
  sample.values = {1, kNaN, kNaN, kNaN, 0, kNaN, kNaN, kNaN, kNaN, kNaN, 1, kNaN};
  EXPECT_EQ(ComputeShipped(sample).active, (std::vector<std::uint8_t>{1, 0, 1, 0}));

  task.kind = TaskKind::kClasses;
  task.loss = LossKind::kSoftmax;
  sample = MakeLossSample(task, 3, 4, Labelling::kAll);
  sample.classes = {-1, 2, -1};
  EXPECT_EQ(ComputeShipped(sample).active, (std::vector<std::uint8_t>{1, 1, 1, 1}));
}

TEST(LossMask, DefaultNormalizationDividesByAllExamples) {
  TaskSpec task;
  task.labels = {"a", "b"};
  const std::vector<float> logits{0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  const std::vector<float> targets{1.0f, kNaN, 0.0f, 1.0f, kNaN, kNaN};
  std::vector<float> gradient(6);
  const LossArguments arguments{
      .batch = 3, .width = 2, .logits = logits.data(), .stride = 2, .grad_logits = gradient.data()};
  const double entry = std::log(2.0);
  EXPECT_NEAR(ComputeLoss(task, {.values = targets}, arguments).loss, 3 * entry / 3, 1e-7);
  EXPECT_FLOAT_EQ(gradient[0], -0.5f / 3.0f);
  task.normalization = LossNormalization::kLabelledEntries;
  task.weight = 2.0;
  EXPECT_NEAR(ComputeLoss(task, {.values = targets}, arguments).loss, 2 * entry, 1e-7);
  task.normalization = LossNormalization::kPerLabel;
  EXPECT_NEAR(ComputeLoss(task, {.values = targets}, arguments).loss, 2 * 2 * entry, 1e-7);
  EXPECT_FLOAT_EQ(gradient[0], -0.5f);
  EXPECT_FLOAT_EQ(gradient[3], -1.0f);
}

}  // namespace
}  // namespace espalier
