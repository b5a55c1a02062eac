// SPDX-License-Identifier: Apache-2.0

// What goes on from stage to stage, and what follows the parameters or holds them back: averages
// and the decay towards the start.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "espalier/builder.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/layer_spec.h"
#include "testing/messages.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::MessageOf;
using testing::NamedValues;
using testing::OneHead;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::StateOf;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 16;
constexpr const char* kBackbone = "dense1.weight";
constexpr const char* kHead = "heads.signs.dense.weight";

void Steps(Trainer& trainer, const RandomExamples& examples, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const std::int64_t at = i * kBatch % (examples.size() - kBatch + 1);
    trainer.Step(kBatch, examples.Inputs(at, kBatch), examples.Targets(at, kBatch));
  }
}

TEST(Stages, TwoOfTheSameLayersAreOne) {
  for (const OptimizerConfig& optimizer :
       {OptimizerConfig(Sgd{.learning_rate = 0.1, .momentum = 0.9}),
        OptimizerConfig(AdamW{.learning_rate = 0.01}), OptimizerConfig(RmsProp{})}) {
    const TrainerConfig config{
        .optimizer = optimizer,
        .schedule = {.kind = ScheduleKind::kCosine, .total_steps = 9, .warmup_steps = 2},
        .layer_decay = 0.5,
        .start_decay = 0.5};
    Network whole = ThreeHeads().Build(5);
    Network parts = whole.Clone();
    const RandomExamples examples(whole, 100, 3);
    Trainer trainer(whole, config);
    Steps(trainer, examples, 0, 7);
    Trainer first(parts, config);
    Steps(first, examples, 0, 3);
    first.Release();
    Trainer second(parts, config);
    second.ContinueFrom(first, 3);
    EXPECT_EQ(second.steps(), 3);
    Steps(second, examples, 3, 4);
    EXPECT_EQ(Differences(ParametersOf(whole), ParametersOf(parts)), std::vector<std::string>{});
    EXPECT_EQ(Differences(StateOf(trainer, whole), StateOf(second, parts)),
              std::vector<std::string>{});
  }
}

TEST(Stages, RowsOfTablesKeepTheirCountsAndState) {
  const auto build = [] {
    return NetworkBuilder({{.name = "ids", .shape = Shape{3}, .type = ElementType::kInt32}})
        .Layer(testing::Spec("embedding", {{"count", std::int64_t{8}}, {"width", std::int64_t{4}}},
                             "words", {}))
        .Layer(testing::Spec("token_pool", "mean", {"words"}))
        .Head("signs", LabelsTask({"a"}))
        .Build(1);
  };
  const std::vector<std::int32_t> ids[] = {{7, 3, 7}, {0, 5, 3}, {2, 7, 1}, {4, 0, 6}};
  const float yes[] = {1.0f};
  const TaskTargets targets[] = {{.values = yes}};
  const auto step = [&](Trainer& trainer, int index) {
    const InputData inputs[] = {std::span<const std::int32_t>(ids[index])};
    trainer.Step(1, Inputs(std::span<const InputData>(inputs)), targets);
  };
  Network whole = build();
  Network parts = build();
  Trainer trainer(whole, {});
  for (int i = 0; i < 4; ++i) step(trainer, i);
  Trainer first(parts, {});
  step(first, 0);
  step(first, 1);
  first.Release();
  Trainer second(parts, {});
  second.ContinueFrom(first, 2);
  step(second, 2);
  step(second, 3);
  EXPECT_EQ(Differences(ParametersOf(whole), ParametersOf(parts)), std::vector<std::string>{});
  EXPECT_EQ(Differences(StateOf(trainer, whole), StateOf(second, parts)),
            std::vector<std::string>{});
}

TEST(Stages, AHeadGoesOnWhileWhatIsUnfrozenBegins) {
  Network network = OneHead().Build(5);
  network.Freeze({.pattern = "features", .through = true});
  const RandomExamples examples(network, 100, 3);
  Trainer first(network, {});
  Steps(first, examples, 0, 5);
  const std::vector<float> moments = first.ReadState(kHead, "exp_avg");
  first.SaveBest();
  const NamedValues best = ParametersOf(network);
  first.Release();
  network.Unfreeze({.pattern = "*"});
  Trainer second(network, {});
  second.ContinueFrom(first, 20);
  EXPECT_EQ(second.ReadState(kHead, "exp_avg"), moments);
  const std::vector<float> fresh = second.ReadState(kBackbone, "exp_avg");
  EXPECT_EQ(std::count(fresh.begin(), fresh.end(), 0.0f),
            static_cast<std::ptrdiff_t>(fresh.size()));
  Steps(second, examples, 5, 5);
  EXPECT_EQ(second.steps(), 25);
  second.RestoreBest();
  EXPECT_EQ(Differences(best, ParametersOf(network)), std::vector<std::string>{});
}

TEST(Stages, WhatDoesNotFitIsRefused) {
  Network network = OneHead().Build(5);
  Network other = network.Clone();
  const RandomExamples examples(network, 40, 3);
  Trainer first(network, {});
  first.Release();
  {
    Trainer elsewhere(other, {});
    EXPECT_NE(MessageOf(ErrorCode::kInvalidArgument, [&] { elsewhere.ContinueFrom(first, 0); })
                  .find("same"),
              std::string::npos);
  }
  Trainer second(network, {.optimizer = RmsProp{}});
  MessageOf(ErrorCode::kInvalidArgument, [&] { second.ContinueFrom(first, 0); });
  second.Release();
  Trainer third(network, {});
  MessageOf(ErrorCode::kInvalidState, [&] { third.ContinueFrom(first, -1); });
  Steps(third, examples, 0, 1);
  MessageOf(ErrorCode::kInvalidState, [&] { third.ContinueFrom(first, 0); });
  MessageOf(ErrorCode::kInvalidState, [&] { third.SwapAverage(); });
}

TEST(Average, FollowsTheParameters) {
  Network network = OneHead().Build(5);
  network.Freeze({.pattern = "dense2"});
  const RandomExamples examples(network, 100, 3);
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.5}, .average_decay = 0.25});
  const std::vector<float> frozen = network.ReadParameter("dense2.weight");
  const std::vector<float> start = network.ReadParameter(kBackbone);
  std::vector<double> expected(start.begin(), start.end());
  for (int t = 0; t < 12; ++t) {
    Steps(trainer, examples, t, 1);
    const double decay = std::min(0.25, (1.0 + t) / (10.0 + t));
    const std::vector<float> values = network.ReadParameter(kBackbone);
    for (std::size_t i = 0; i < values.size(); ++i) {
      expected[i] = decay * expected[i] + (1.0 - decay) * static_cast<double>(values[i]);
    }
  }
  const NamedValues last = ParametersOf(network);
  trainer.SwapAverage();
  const std::vector<float> averages = network.ReadParameter(kBackbone);
  for (std::size_t i = 0; i < averages.size(); ++i) EXPECT_NEAR(averages[i], expected[i], 1e-6);
  EXPECT_EQ(network.ReadParameter("dense2.weight"), frozen);
  EXPECT_NE(
      MessageOf(ErrorCode::kInvalidState, [&] { Steps(trainer, examples, 0, 1); }).find("averages"),
      std::string::npos);
  std::vector<float> logits(static_cast<std::size_t>(kBatch * 4));
  trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), logits);
  std::vector<float> of_parameters(logits.size());
  trainer.SwapAverage();
  EXPECT_EQ(Differences(last, ParametersOf(network)), std::vector<std::string>{});
  trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), of_parameters);
  EXPECT_NE(logits, of_parameters);
  Steps(trainer, examples, 0, 1);
}

TEST(Average, ChangesNothingInTrainingAndHasTheSameBitsForAnyThreads) {
  const int threads = ThreadPool::Shared().thread_count();
  std::optional<NamedValues> average;
  for (const int count : {1, 3}) {
    ThreadPool::Shared().SetThreadCount(count);
    Network network = ThreeHeads().Build(5);
    Network plain = network.Clone();
    const RandomExamples examples(network, 100, 3);
    Trainer with(network, {.start_decay = 0.1, .average_decay = 0.9});
    Trainer without(plain, {.start_decay = 0.1});
    Steps(with, examples, 0, 6);
    Steps(without, examples, 0, 6);
    EXPECT_EQ(Differences(ParametersOf(plain), ParametersOf(network)), std::vector<std::string>{});
    with.SwapAverage();
    const NamedValues averages = ParametersOf(network);
    if (average) {
      EXPECT_EQ(Differences(*average, averages), std::vector<std::string>{});
    }
    average = averages;
  }
  ThreadPool::Shared().SetThreadCount(threads);
}

// Of what lies below the heads alone, and before the gradient's step.
TEST(StartDecay, PullsTheBackboneTowardsItsStart) {
  Network network = OneHead().Build(5);
  Network plain = network.Clone();
  const RandomExamples examples(network, 100, 3);
  const Sgd sgd{.learning_rate = 0.5, .weight_decay = 0.1};
  const std::vector<float> start = network.ReadParameter(kBackbone);
  const std::vector<float> start_bias = network.ReadParameter("dense1.bias");
  Trainer pulled(network, {.optimizer = sgd, .start_decay = 0.4});
  Steps(pulled, examples, 0, 3);
  const NamedValues before = ParametersOf(network);
  for (const auto& [path, values] : before) plain.WriteParameter(path, values);
  Trainer free(plain, {.optimizer = Sgd{.learning_rate = 0.5}});
  Steps(pulled, examples, 3, 1);
  Steps(free, examples, 3, 1);
  const auto expect_pulled = [&](const char* path, const std::vector<float>& origin) {
    const std::vector<float> got = network.ReadParameter(path);
    const std::vector<float> stepped = plain.ReadParameter(path);
    for (std::size_t i = 0; i < got.size(); ++i) {
      const float from = before.at(path)[i];
      EXPECT_NEAR(got[i], stepped[i] + 0.5f * 0.4f * (origin[i] - from), 1e-6) << path;
    }
  };
  expect_pulled(kBackbone, start);
  expect_pulled("dense1.bias", start_bias);
  const std::vector<float> head = network.ReadParameter(kHead);
  const std::vector<float> stepped = plain.ReadParameter(kHead);
  for (std::size_t i = 0; i < head.size(); ++i) {
    EXPECT_NEAR(head[i], stepped[i] - 0.5f * 0.1f * before.at(kHead)[i], 1e-6);
  }
}

// A clip that clips nothing makes the gradients of large weights be stored.
TEST(StartDecay, IsTheSameWhereGradientsAreLate) {
  NetworkBuilder builder(Shape::Vector(300));
  builder.Dense("large", 270).Relu().Head("signs", LabelsTask({"a", "b"}));
  Network late = builder.Build(5);
  Network stored = late.Clone();
  const std::vector<float> start = late.ReadParameter("large.weight");
  const RandomExamples examples(late, 100, 3);
  const Sgd sgd{.learning_rate = 0.5};
  Trainer of_late(late, {.optimizer = sgd, .start_decay = 0.4});
  Trainer of_stored(stored, {.optimizer = sgd, .clip_norm = 1e9, .start_decay = 0.4});
  Steps(of_late, examples, 0, 4);
  Steps(of_stored, examples, 0, 4);
  const std::vector<float> got = late.ReadParameter("large.weight");
  const std::vector<float> expected = stored.ReadParameter("large.weight");
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5);
  EXPECT_NE(got, start);
}

TEST(StartDecay, AtItsMostPutsBackWhatWasThere) {
  Network network = OneHead().Build(5);
  const RandomExamples examples(network, 40, 3);
  const std::vector<float> start = network.ReadParameter(kBackbone);
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 1e-12}, .start_decay = 1e15});
  std::vector<float> moved = start;
  for (float& value : moved) value += 1.0f;
  network.WriteParameter(kBackbone, moved);
  Steps(trainer, examples, 0, 1);
  const std::vector<float> got = network.ReadParameter(kBackbone);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], start[i], 1e-6);
}

}  // namespace
}  // namespace espalier
