// SPDX-License-Identifier: Apache-2.0

// What unlabelled entries must not do: change a bit, decay, move by momentum, count steps.

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::StateOf;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 16;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// One input, two labels, all parameters 0: z = w·x + b with x = 1.
class TwoLabels {
 public:
  explicit TwoLabels(const OptimizerConfig& optimizer)
      : network_(NetworkBuilder(Shape::Vector(1))
                     .Head({.name = "signs", .from = kInputName, .task = LabelsTask({"a", "b"})})
                     .Build(1)) {
    network_.WriteParameter(kWeight, std::vector<float>{0, 0});
    trainer_.emplace(network_, TrainerConfig{.optimizer = optimizer});
  }

  void Step(float a, float b) {
    const float input[] = {1.0f};
    const float values[] = {a, b};
    const TaskTargets targets[] = {{.values = values}};
    trainer_->Step(1, input, targets);
  }

  float weight(std::size_t label) const { return network_.ReadParameter(kWeight)[label]; }
  float bias(std::size_t label) const { return network_.ReadParameter(kBias)[label]; }

 private:
  static constexpr const char* kWeight = "heads.signs.dense.weight";
  static constexpr const char* kBias = "heads.signs.dense.bias";
  Network network_;
  std::optional<Trainer> trainer_;
};

// Derived by hand, with rate 1, momentum 0.5 and decay 0.1 of the weight:
//   step 1: z = 0, g = 0.5 - 1 = -0.5;            v = -0.5 for both;  w = b = 0.5
//   step 2: unlabelled: v and w stay (momentum would move w by 0.25, decay pull it back)
//   step 3: z = 1, g = 0.7310585786 - 1 = -0.2689414214
//           weight: g + 0.1·0.5 = -0.2189414214;  v = -0.4689414214;  w = 0.9689414214
//           bias:   no decay;                     v = -0.5189414214;  b = 1.0189414214
TEST(LazyUpdate, MomentumAndDecayWaitForLabels) {
  TwoLabels labels(Sgd{.learning_rate = 1.0, .momentum = 0.5, .weight_decay = 0.1});
  labels.Step(1, 1);
  EXPECT_FLOAT_EQ(labels.weight(1), 0.5f);
  labels.Step(1, kNaN);
  EXPECT_EQ(labels.weight(1), 0.5f);
  EXPECT_EQ(labels.bias(1), 0.5f);
  // Label a was known: v = -0.25 - 0.2189414214, as label b will be a step later.
  EXPECT_NEAR(labels.weight(0), 0.9689414214, 1e-6);
  labels.Step(1, 1);
  EXPECT_NEAR(labels.weight(1), 0.9689414214, 1e-6);
  EXPECT_NEAR(labels.bias(1), 1.0189414214, 1e-6);
}

// Derived by hand, with rate 0.1 and the usual betas:
//   step 1: g = -0.5: m = -0.05, v = 0.00025; corrected m/√v = -1:  w = b = 0.1
//   step 3, the second for this label: z = 0.2, g = 0.5498339973 - 1 = -0.4501660027
//           m = 0.9·-0.05 + 0.1·g = -0.0900166003;  / (1 - 0.9²)   = -0.4737715803
//           v = 0.999·0.00025 + 0.001·g² = 0.000452399; / (1 - 0.999²) = 0.2263128
//           w = 0.1 + 0.1 · 0.4737715803 / 0.4757234 = 0.1995897
// Counted as the third step it would be 0.1854939.
TEST(LazyUpdate, BiasCorrectionCountsTheUnitsOwnSteps) {
  TwoLabels labels(Adam{.learning_rate = 0.1});
  labels.Step(1, 1);
  labels.Step(1, kNaN);
  EXPECT_NEAR(labels.weight(1), 0.1, 1e-6);
  labels.Step(1, 1);
  EXPECT_NEAR(labels.weight(1), 0.1995897, 1e-6);
  EXPECT_NEAR(labels.bias(1), 0.1995897, 1e-6);
}

// Few labels of many: the step lists its entries.
TEST(LazyUpdate, ColumnsOfAWideHeadWaitForLabels) {
  constexpr std::size_t kLabels = 300;
  constexpr std::size_t kFeatures = 33;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < kLabels; ++i) labels.push_back("l" + std::to_string(i));
  Network network = NetworkBuilder(Shape::Vector(4))
                        .Dense("features", kFeatures)
                        .Head("signs", LabelsTask(labels))
                        .Build(2);
  const RandomExamples examples(network, 4 * kBatch, 3, 0.98);
  Trainer trainer(network, {.optimizer = AdamW{.weight_decay = 0.1}, .max_batch_size = kBatch});
  int kept = 0;
  for (int step = 0; step < 4; ++step) {
    const std::vector<float> before = network.ReadParameter("heads.signs.dense.weight");
    const std::vector<TaskTargets> targets = examples.Targets(step * kBatch, kBatch);
    trainer.Step(kBatch, examples.Inputs(step * kBatch, kBatch), targets);
    const std::vector<float> after = network.ReadParameter("heads.signs.dense.weight");
    for (std::size_t j = 0; j < kLabels; ++j) {
      bool is_labelled = false;
      for (std::size_t row = 0; row < static_cast<std::size_t>(kBatch); ++row) {
        is_labelled = is_labelled || !std::isnan(targets[0].values[row * kLabels + j]);
      }
      const auto first = static_cast<std::ptrdiff_t>(j * kFeatures);
      const bool is_same = std::equal(before.begin() + first, before.begin() + first + kFeatures,
                                      after.begin() + first);
      EXPECT_NE(is_same, is_labelled) << "step " << step << ", label " << j;
      if (is_same) ++kept;
    }
  }
  EXPECT_GT(kept, 100);
}

struct Trained {
  NamedValues parameters;
  NamedValues moments;
  std::vector<float> losses;
};

// 50 steps; unlabelled entries hold `fill` under mask 0, or NaN and -1 without a mask.
Trained TrainWithFill(const std::optional<float>& fill) {
  Network network = ThreeHeads().Build(5);
  RandomExamples examples(network, 40, 3, 0.5);
  std::vector<std::vector<std::uint8_t>> masks(3);
  if (fill) {
    for (const std::size_t head : {std::size_t{0}, std::size_t{2}}) {
      for (float& value : examples.values(head)) {
        masks[head].push_back(std::isnan(value) ? 0 : 1);
        if (std::isnan(value)) value = *fill;
      }
    }
    for (std::int32_t& label : examples.classes(1)) {
      masks[1].push_back(label < 0 ? 0 : 1);
      if (label < 0) label = std::bit_cast<std::int32_t>(*fill);
    }
  }
  Trainer trainer(network, {.max_batch_size = kBatch, .seed = 8});
  Trained trained;
  for (int step = 0; step < 50; ++step) {
    const std::int64_t first = step * 3 % 25;
    std::vector<TaskTargets> targets = examples.Targets(first, kBatch);
    if (fill) {
      for (std::size_t head = 0; head < 3; ++head) {
        const std::size_t width = masks[head].size() / 40;
        targets[head].mask =
            std::span(masks[head]).subspan(static_cast<std::size_t>(first) * width, kBatch * width);
      }
    }
    const StepResult& result = trainer.Step(kBatch, examples.Inputs(first, kBatch), targets);
    for (const TaskLoss& task : result.tasks) {
      trained.losses.push_back(static_cast<float>(task.loss));
    }
    trained.losses.push_back(static_cast<float>(result.gradient_norm));
  }
  trained.parameters = ParametersOf(network);
  trained.moments = StateOf(trainer, network);
  return trained;
}

TEST(LazyUpdate, WhatUnlabelledEntriesHoldChangesNoBit) {
  const Trained expected = TrainWithFill(std::nullopt);
  for (const std::uint32_t bits : {0x7fc00000u, 0x7f800000u, 0xff800000u, 0x7fa00001u, 0xffffffffu,
                                   0x00000000u, 0x3f800000u}) {
    const Trained trained = TrainWithFill(std::bit_cast<float>(bits));
    EXPECT_EQ(trained.losses, expected.losses) << std::hex << bits;
    EXPECT_EQ(Differences(trained.parameters, expected.parameters), std::vector<std::string>{});
    EXPECT_EQ(Differences(trained.moments, expected.moments), std::vector<std::string>{});
  }
}

TEST(LazyUpdate, BatchWithoutLabelsChangesNothing) {
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, kBatch, 3);
  const RandomExamples unlabelled(network, kBatch, 4, 1.1);
  Trainer trainer(network, {.optimizer = AdamW{.weight_decay = 0.5}, .max_batch_size = kBatch});
  trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  const NamedValues parameters = ParametersOf(network);
  const NamedValues moments = StateOf(trainer, network);
  // As NaN and -1, and as empty spans.
  for (const auto& targets : {unlabelled.Targets(0, kBatch), std::vector<TaskTargets>(3)}) {
    const StepResult& result = trainer.Step(kBatch, unlabelled.Inputs(0, kBatch), targets);
    EXPECT_EQ(result.loss, 0.0);
    EXPECT_EQ(result.gradient_norm, 0.0);
    for (const TaskLoss& task : result.tasks) {
      EXPECT_EQ(task.loss, 0.0);
      EXPECT_EQ(task.labelled, 0);
    }
    EXPECT_EQ(Differences(parameters, ParametersOf(network)), std::vector<std::string>{});
    EXPECT_EQ(Differences(moments, StateOf(trainer, network)), std::vector<std::string>{});
  }
}

TEST(LazyUpdate, ColumnsWithoutLabelsKeepParametersAndMoments) {
  Network network = ThreeHeads().Build(5);
  RandomExamples examples(network, kBatch, 3, 0.0);
  Trainer trainer(network, {.optimizer = AdamW{.weight_decay = 0.5}, .max_batch_size = kBatch});
  trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  for (std::size_t i = 0; i < examples.values(0).size(); ++i) {
    if (i % 5 == 1 || i % 5 == 4) examples.values(0)[i] = kNaN;
  }
  const std::string weight = "heads.signs.dense.weight";
  const std::string bias = "heads.signs.dense.bias";
  const NamedValues before = ParametersOf(network);
  const NamedValues moments_before = StateOf(trainer, network);
  trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  const NamedValues after = ParametersOf(network);
  const NamedValues moments_after = StateOf(trainer, network);
  const auto expect_column = [](const std::vector<float>& a, const std::vector<float>& b,
                                std::size_t width, const std::string& name) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t column = i / width;
      EXPECT_EQ(a[i] == b[i], column == 1 || column == 4) << name << " column " << column;
    }
  };
  expect_column(before.at(weight), after.at(weight), 17, weight);
  expect_column(before.at(bias), after.at(bias), 1, bias);
  for (const char* name : {"/exp_avg", "/exp_avg_sq"}) {
    expect_column(moments_before.at(weight + name), moments_after.at(weight + name), 17, name);
    expect_column(moments_before.at(bias + name), moments_after.at(bias + name), 1, name);
  }
}

TEST(LazyUpdate, HeadsWithoutLabelsKeepAllTheirLayers) {
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, kBatch, 3, 0.0);
  Trainer trainer(network, {.optimizer = AdamW{.weight_decay = 0.5}, .max_batch_size = kBatch});
  trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  const NamedValues before = ParametersOf(network);
  std::vector<TaskTargets> targets = examples.Targets(0, kBatch);
  targets[1] = {};
  targets[2] = {};
  trainer.Step(kBatch, examples.Inputs(0, kBatch), targets);
  for (const char* const path :
       {"heads.kind.dense.weight", "heads.kind.dense.bias", "heads.sizes.hidden.weight",
        "heads.sizes.hidden.bias", "heads.sizes.dense.weight", "heads.sizes.dense.bias"}) {
    EXPECT_EQ(before.at(path), network.ReadParameter(path)) << path;
  }
  EXPECT_NE(before.at("heads.signs.dense.weight"),
            network.ReadParameter("heads.signs.dense.weight"));
}

// Only "sizes" is labelled: nothing of the dense layer that the other heads stand on moves.
TEST(LazyUpdate, LayersThatNoLabelReachesKeepEverything) {
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, kBatch, 3, 0.0);
  Trainer trainer(network, {.optimizer = AdamW{.weight_decay = 0.5}, .max_batch_size = kBatch});
  const NamedValues before = ParametersOf(network);
  std::vector<TaskTargets> targets(3);
  targets[2] = examples.Targets(0, kBatch)[2];
  trainer.Step(kBatch, examples.Inputs(0, kBatch), targets);
  const std::vector<std::string> moved = Differences(before, ParametersOf(network));
  for (const std::string& path : moved) {
    EXPECT_EQ(path.find("dense1"), std::string::npos);
    EXPECT_EQ(path.find("heads.signs"), std::string::npos);
    EXPECT_EQ(path.find("heads.kind"), std::string::npos);
  }
  EXPECT_EQ(moved.size(), 11u);  // conv1, norm1 (4), conv2 (2), sizes (4)
}

}  // namespace
}  // namespace espalier
