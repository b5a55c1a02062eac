// SPDX-License-Identifier: Apache-2.0
#pragma once

// Samples of every loss with its settings, and what the shipped code makes of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "losses/loss.h"
#include "testing/loss_reference.h"
#include "testing/tolerance.h"

namespace espalier::testing {

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

enum class Labelling { kAll, kNaN, kMask };

struct LossSample {
  TaskSpec task;
  std::int64_t batch = 0;
  std::int64_t width = 0;
  std::vector<float> logits;
  std::vector<float> values;
  std::vector<std::int32_t> classes;
  std::vector<std::uint8_t> mask;

  TaskTargets targets() const { return {.values = values, .classes = classes, .mask = mask}; }
};

inline std::vector<std::string> LabelNames(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back("l" + std::to_string(i));
  return names;
}

inline LossSample MakeLossSample(TaskSpec task, std::int64_t batch, std::int64_t width,
                                 Labelling labelling, double spread = 3.0) {
  LossSample sample;
  task.labels = LabelNames(width);
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

struct ComputedLoss {
  LossResult result;
  std::vector<float> gradient;  // [batch, width], dense
  std::vector<std::uint8_t> active;
};

// Runs the shipped code on rows that are `padding` further apart than they need to be.
inline ComputedLoss ComputeShipped(const LossSample& sample, std::int64_t padding = 3) {
  const std::int64_t stride = sample.width + padding;
  constexpr float kGuard = 12345.0f;
  std::vector<float> logits(static_cast<std::size_t>(sample.batch * stride), kNaN);
  std::vector<float> gradient(logits.size(), kGuard);
  for (std::int64_t row = 0; row < sample.batch; ++row) {
    std::copy_n(sample.logits.begin() + row * sample.width, sample.width,
                logits.begin() + row * stride);
  }
  ComputedLoss computed;
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

inline ReferenceLoss ComputeReference(const LossSample& sample) {
  return ComputeReferenceLoss(sample.task, sample.targets(), static_cast<std::size_t>(sample.batch),
                              ToDouble(sample.logits));
}

inline std::vector<std::pair<std::string, TaskSpec>> LossTasks() {
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

inline constexpr std::pair<std::int64_t, std::int64_t> kLossShapes[] = {
    {1, 1},  {1, 3},  {3, 1},  {2, 7},  {3, 8},   {5, 9},   {3, 15},  {4, 16},
    {2, 17}, {17, 3}, {3, 31}, {2, 33}, {2, 255}, {1, 256}, {2, 257}, {33, 14}};

}  // namespace espalier::testing
