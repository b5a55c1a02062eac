// SPDX-License-Identifier: Apache-2.0
#include "losses/loss.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/random.h"
#include "testing/cpu_targets.h"
#include "testing/gradient_check.h"
#include "testing/loss_reference.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::ComputeReferenceLoss;
using testing::kGradientRelativeNorm;
using testing::ReferenceLoss;
using testing::RelativeNorm;
using testing::SameBits;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

enum class Labelling { kAll, kNaN, kMask };

struct Sample {
  TaskSpec task;
  std::int64_t batch = 0;
  std::int64_t width = 0;
  std::vector<float> logits;
  std::vector<float> values;
  std::vector<std::int32_t> classes;
  std::vector<std::uint8_t> mask;

  TaskTargets targets() const { return {.values = values, .classes = classes, .mask = mask}; }
};

std::vector<std::string> Names(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back("l" + std::to_string(i));
  return names;
}

Sample MakeSample(TaskSpec task, std::int64_t batch, std::int64_t width, Labelling labelling,
                  double spread = 3.0) {
  Sample sample;
  task.labels = Names(width);
  Random random({.seed = 11, .index = static_cast<std::uint32_t>(batch * 1000 + width)});
  // Weights are given as one value: vary it over the columns.
  const auto vary = [&](std::vector<double>& weights) {
    if (weights.empty()) return;
    const double first = weights[0];
    weights.clear();
    for (std::int64_t j = 0; j < width; ++j)
      weights.push_back(first * (0.5 + random.NextUniform()));
  };
  vary(task.positive_weights);
  vary(task.class_weights);
  for (std::int64_t i = 0; i < batch * width; ++i) {
    sample.logits.push_back(static_cast<float>(spread * random.NextNormal()));
  }
  if (task.kind == TaskKind::kClasses) {
    for (std::int64_t i = 0; i < batch; ++i) {
      sample.classes.push_back(
          static_cast<std::int32_t>(random.NextBelow(static_cast<std::uint64_t>(width))));
      const bool is_hidden = labelling != Labelling::kAll && random.NextUniform() < 0.4;
      if (labelling == Labelling::kNaN && is_hidden) sample.classes.back() = -1;
      if (labelling == Labelling::kMask) sample.mask.push_back(is_hidden ? 0 : 1);
    }
  } else {
    for (std::int64_t i = 0; i < batch * width; ++i) {
      const double draw = random.NextUniform();
      sample.values.push_back(task.kind == TaskKind::kValues
                                  ? static_cast<float>(2.0 * random.NextNormal())
                              : draw < 0.45 ? 1.0f
                              : draw < 0.9  ? 0.0f
                                            : static_cast<float>(random.NextUniform()));
      const bool is_hidden = labelling != Labelling::kAll && random.NextUniform() < 0.4;
      if (labelling == Labelling::kNaN && is_hidden) sample.values.back() = kNaN;
      if (labelling == Labelling::kMask) sample.mask.push_back(is_hidden ? 0 : 1);
    }
  }
  sample.task = std::move(task);
  sample.batch = batch;
  sample.width = width;
  return sample;
}

struct Computed {
  LossResult result;
  std::vector<float> gradient;  // [batch, width], dense
  std::vector<std::uint8_t> active;
};

// Runs the shipped code on rows that are `padding` further apart than they need to be.
Computed Compute(const Sample& sample, std::int64_t padding = 3) {
  const std::int64_t stride = sample.width + padding;
  constexpr float kGuard = 12345.0f;
  std::vector<float> logits(static_cast<std::size_t>(sample.batch * stride), kNaN);
  std::vector<float> gradient(logits.size(), kGuard);
  for (std::int64_t row = 0; row < sample.batch; ++row) {
    std::copy_n(sample.logits.begin() + row * sample.width, sample.width,
                logits.begin() + row * stride);
  }
  Computed computed;
  computed.active.assign(static_cast<std::size_t>(sample.width), 7);
  const LossArguments arguments{.batch = sample.batch,
                                .width = sample.width,
                                .logits = logits.data(),
                                .stride = stride,
                                .grad_logits = gradient.data(),
                                .active = computed.active};
  CheckTargets("task", sample.task, sample.batch, sample.targets());
  computed.result = ComputeLoss(sample.task, sample.targets(), arguments);
  for (std::int64_t row = 0; row < sample.batch; ++row) {
    const auto begin = gradient.begin() + row * stride;
    computed.gradient.insert(computed.gradient.end(), begin, begin + sample.width);
    for (std::int64_t j = sample.width; j < stride; ++j) EXPECT_EQ(begin[j], kGuard);
  }
  return computed;
}

ReferenceLoss Reference(const Sample& sample) {
  return ComputeReferenceLoss(sample.task, sample.targets(), static_cast<std::size_t>(sample.batch),
                              testing::ToDouble(sample.logits));
}

std::vector<std::pair<std::string, TaskSpec>> Tasks() {
  std::vector<std::pair<std::string, TaskSpec>> tasks;
  const auto add = [&](const char* name, TaskKind kind, LossKind loss, auto change) {
    TaskSpec task;
    task.kind = kind;
    task.loss = loss;
    change(task);
    tasks.emplace_back(name, task);
  };
  const auto labels = TaskKind::kLabels;
  const auto classes = TaskKind::kClasses;
  const auto values = TaskKind::kValues;
  add("logistic", labels, LossKind::kLogistic, [](TaskSpec&) {});
  add("logistic, all settings", labels, LossKind::kLogistic, [](TaskSpec& task) {
    task.positive_weights = {3.0};
    task.label_smoothing = 0.1;
    task.weight = 0.7;
    task.normalization = LossNormalization::kLabelledEntries;
  });
  add("logistic per label", labels, LossKind::kLogistic, [](TaskSpec& task) {
    task.normalization = LossNormalization::kPerLabel;
    task.positive_weights = {0.5};
  });
  add("focal", labels, LossKind::kFocal, [](TaskSpec&) {});
  add("focal, all settings", labels, LossKind::kFocal, [](TaskSpec& task) {
    task.focal_alpha = -1.0;
    task.focal_gamma = 1.3;
    task.label_smoothing = 0.05;
    task.positive_weights = {2.0};
    task.normalization = LossNormalization::kPerLabel;
  });
  add("softmax", classes, LossKind::kSoftmax, [](TaskSpec&) {});
  add("softmax, all settings", classes, LossKind::kSoftmax, [](TaskSpec& task) {
    task.class_weights = {2.0};
    task.label_smoothing = 0.1;
    task.weight = 1.9;
    task.normalization = LossNormalization::kLabelledEntries;
  });
  add("softmax per label", classes, LossKind::kSoftmax, [](TaskSpec& task) {
    task.normalization = LossNormalization::kPerLabel;
    task.class_weights = {0.5};
  });
  add("squared", values, LossKind::kSquared, [](TaskSpec&) {});
  add("squared per label", values, LossKind::kSquared, [](TaskSpec& task) {
    task.normalization = LossNormalization::kPerLabel;
    task.weight = 0.3;
  });
  add("huber", values, LossKind::kHuber, [](TaskSpec&) {});
  add("huber, all settings", values, LossKind::kHuber, [](TaskSpec& task) {
    task.huber_delta = 0.6;
    task.normalization = LossNormalization::kLabelledEntries;
  });
  return tasks;
}

constexpr std::pair<std::int64_t, std::int64_t> kShapes[] = {
    {1, 1},  {1, 3},  {3, 1},  {2, 7},  {3, 8},   {5, 9},   {3, 15},  {4, 16},
    {2, 17}, {17, 3}, {3, 31}, {2, 33}, {2, 255}, {1, 256}, {2, 257}, {33, 14}};

bool IsNearKink(const Sample& sample, std::size_t i) {
  if (sample.task.loss != LossKind::kHuber) return false;
  const double distance =
      std::abs(static_cast<double>(sample.logits[i]) - static_cast<double>(sample.values[i]));
  return std::abs(distance - sample.task.huber_delta) < 1e-4;
}

TEST(Loss, ReferenceGradientAgreesWithCentralDifferences) {
  std::size_t skipped = 0;
  std::size_t checked = 0;
  for (const auto& [name, task] : Tasks()) {
    SCOPED_TRACE(name);
    for (const auto& [batch, width] : kShapes) {
      const Sample sample = MakeSample(task, batch, width, Labelling::kNaN);
      std::vector<double> point = testing::ToDouble(sample.logits);
      const testing::GradientCheck check = testing::CheckGradient(
          point, Reference(sample).gradient,
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
  const auto tasks = Tasks();
  testing::ForEachCpuTarget([&] {
    for (const auto& [name, task] : tasks) {
      SCOPED_TRACE(name);
      for (const auto& [batch, width] : kShapes) {
        for (const Labelling labelling : {Labelling::kAll, Labelling::kNaN, Labelling::kMask}) {
          SCOPED_TRACE(::testing::Message() << batch << "x" << width);
          const Sample sample = MakeSample(task, batch, width, labelling);
          const ReferenceLoss reference = Reference(sample);
          const Computed computed = Compute(sample);
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
    for (const auto& [name, task] : Tasks()) {
      SCOPED_TRACE(name);
      const Sample sample = MakeSample(task, 5, 9, Labelling::kNaN);
      const ReferenceLoss reference = Reference(sample);
      const std::vector<float> right = Compute(sample).gradient;
      ASSERT_LE(RelativeNorm(right, reference.gradient), kGradientRelativeNorm);

      // The shipped code with a setting slightly wrong, and its result with single faults.
      Sample wrong = sample;
      wrong.task.weight *= 1.0001;
      EXPECT_GT(RelativeNorm(Compute(wrong).gradient, reference.gradient), kGradientRelativeNorm);
      if (task.loss == LossKind::kLogistic || task.loss == LossKind::kSoftmax) {
        wrong = sample;
        wrong.task.label_smoothing += 0.001;
        EXPECT_GT(RelativeNorm(Compute(wrong).gradient, reference.gradient), kGradientRelativeNorm);
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

TEST(Loss, NothingUnderTheMaskChangesABit) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : Tasks()) {
      SCOPED_TRACE(name);
      for (const auto& [batch, width] : kShapes) {
        Sample sample = MakeSample(task, batch, width, Labelling::kMask);
        const Computed before = Compute(sample);
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
          const Computed after = Compute(sample);
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

TEST(Loss, WithoutLabelsIsExactlyZero) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : Tasks()) {
      SCOPED_TRACE(name);
      Sample sample = MakeSample(task, 3, 17, Labelling::kMask);
      std::fill(sample.mask.begin(), sample.mask.end(), std::uint8_t{0});
      std::fill(sample.logits.begin(), sample.logits.end(), kNaN);
      Sample absent = sample;
      absent.values.clear();
      absent.classes.clear();
      absent.mask.clear();
      for (const Sample& empty : {sample, absent}) {
        const Computed computed = Compute(empty);
        EXPECT_EQ(std::bit_cast<std::uint64_t>(computed.result.loss), 0u);
        EXPECT_EQ(computed.result.labelled, 0);
        EXPECT_TRUE(SameBits(computed.gradient, std::vector<float>(3 * 17, 0.0f)));
        EXPECT_EQ(computed.active, std::vector<std::uint8_t>(17, 0));
      }
    }
  });
}

TEST(Loss, MaskOfOnesEqualsNoMask) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : Tasks()) {
      SCOPED_TRACE(name);
      const Sample plain = MakeSample(task, 4, 17, Labelling::kAll);
      Sample masked = plain;
      masked.mask.assign(task.kind == TaskKind::kClasses ? 4 : 4 * 17, 1);
      const Computed a = Compute(plain);
      const Computed b = Compute(masked);
      EXPECT_EQ(a.result.loss, b.result.loss);
      EXPECT_TRUE(SameBits(a.gradient, b.gradient));
      EXPECT_EQ(a.active, std::vector<std::uint8_t>(17, 1));
    }
  });
}

TEST(Loss, ActiveColumnsAreThoseALabelReaches) {
  TaskSpec task;
  Sample sample = MakeSample(task, 3, 4, Labelling::kAll);
  sample.values = {1, kNaN, kNaN, kNaN, 0, kNaN, kNaN, kNaN, kNaN, kNaN, 1, kNaN};
  EXPECT_EQ(Compute(sample).active, (std::vector<std::uint8_t>{1, 0, 1, 0}));

  task.kind = TaskKind::kClasses;
  task.loss = LossKind::kSoftmax;
  sample = MakeSample(task, 3, 4, Labelling::kAll);
  sample.classes = {-1, 2, -1};
  EXPECT_EQ(Compute(sample).active, (std::vector<std::uint8_t>{1, 1, 1, 1}));
}

TEST(Loss, IsFiniteAndRightAtLogitsOf100) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : Tasks()) {
      SCOPED_TRACE(name);
      Sample sample = MakeSample(task, 8, 9, Labelling::kAll, 100.0);
      for (std::size_t i = 0; i < sample.logits.size(); i += 2) {
        sample.logits[i] = sample.logits[i] > 0.0f ? 100.0f : -100.0f;
      }
      const ReferenceLoss reference = Reference(sample);
      const Computed computed = Compute(sample);
      ASSERT_TRUE(std::isfinite(computed.result.loss));
      EXPECT_NEAR(computed.result.loss, reference.loss, 2e-6 * std::abs(reference.loss));
      EXPECT_LE(RelativeNorm(computed.gradient, reference.gradient), kGradientRelativeNorm);
    }
  });
}

// Where every answer is nearly right the whole gradient is tiny, yet has to have digits.
TEST(Loss, KeepsTheDigitsOfSmallGradients) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : Tasks()) {
      if (task.kind == TaskKind::kValues || task.label_smoothing > 0.0) continue;
      SCOPED_TRACE(name);
      Sample sample = MakeSample(task, 6, 17, Labelling::kAll);
      for (std::size_t i = 0; i < sample.logits.size(); ++i) {
        const bool is_right = task.kind == TaskKind::kClasses
                                  ? static_cast<std::size_t>(sample.classes[i / 17]) == i % 17
                                  : sample.values[i] >= 0.5f;
        if (task.kind == TaskKind::kLabels) sample.values[i] = is_right ? 1.0f : 0.0f;
        sample.logits[i] = (is_right ? 1.0f : -1.0f) * (12.0f + static_cast<float>(i % 7));
      }
      const Computed computed = Compute(sample);
      EXPECT_LE(RelativeNorm(computed.gradient, Reference(sample).gradient), kGradientRelativeNorm);
      const double loss = Reference(sample).loss;
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
      Sample sample = MakeSample(task, 3, 67, Labelling::kAll);
      std::fill(sample.logits.begin(), sample.logits.end(), 0.7310585f);
      std::fill(sample.values.begin(), sample.values.end(), 1.0f);
      const std::vector<float> gradient = Compute(sample).gradient;
      for (const float value : gradient) EXPECT_EQ(value, gradient[0]);
    }
  });
}

TEST(Loss, NonFiniteLogitsOfLabelledEntriesShow) {
  testing::ForEachCpuTarget([] {
    for (const auto& [name, task] : Tasks()) {
      SCOPED_TRACE(name);
      for (std::int64_t width = 1; width <= 35; width += 2) {
        for (std::size_t at = 0; at < static_cast<std::size_t>(width); ++at) {
          Sample sample = MakeSample(task, 1, width, Labelling::kAll);
          sample.logits[at] = kNaN;
          const Computed computed = Compute(sample);
          EXPECT_TRUE(std::isnan(computed.result.loss)) << width << " " << at;
          EXPECT_TRUE(std::isnan(computed.gradient[at])) << width << " " << at;
        }
      }
    }
  });
}

TEST(Loss, GradientMayReplaceTheLogitsOrBeLeftOut) {
  for (const auto& [name, task] : Tasks()) {
    SCOPED_TRACE(name);
    const Sample sample = MakeSample(task, 3, 17, Labelling::kNaN);
    const Computed expected = Compute(sample);
    std::vector<float> logits = sample.logits;
    LossArguments arguments{.batch = 3, .width = 17, .logits = logits.data(), .stride = 17};
    EXPECT_EQ(ComputeLoss(sample.task, sample.targets(), arguments).loss, expected.result.loss);
    EXPECT_TRUE(SameBits(logits, sample.logits));
    arguments.grad_logits = logits.data();
    EXPECT_EQ(ComputeLoss(sample.task, sample.targets(), arguments).loss, expected.result.loss);
    EXPECT_TRUE(SameBits(logits, expected.gradient));
  }
}

TEST(Loss, DefaultNormalizationDividesByAllExamples) {
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
