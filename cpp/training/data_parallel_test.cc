// SPDX-License-Identifier: Apache-2.0

// Steps of several trainers together: whoever computes which shard, the bits are the same, and
// close to those of a step on the whole batch.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <thread>

#include "core/thread_pool.h"
#include "espalier/error.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/layer_spec.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::NamedValues;
using testing::OneHead;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::Spec;
using testing::StateOf;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 24;
constexpr std::int64_t kShards = 4;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
const std::vector<std::string> kNone;

// What an error says behind its code; empty where nothing is thrown.
template <typename Call>
std::string MessageOf(Call call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string text = error.what();
    return text.substr(text.find(": ") + 2);
  }
  return "";
}

std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Shards of unequal sizes, as the last batch of an epoch has them.
std::vector<Shard> ShardsOf(std::int64_t batch, std::int64_t count) {
  std::vector<Shard> shards;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t first = batch * i / count;
    shards.push_back({.first = first, .examples = batch * (i + 1) / count - first});
  }
  return shards;
}

std::vector<float> SumInTree(std::span<const std::vector<float>> shards) {
  if (shards.size() == 1) return shards[0];
  std::vector<float> sum = SumInTree(shards.first(shards.size() / 2));
  const std::vector<float> right = SumInTree(shards.subspan(shards.size() / 2));
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += right[i];
  return sum;
}

// Trainers of copies of a network, which share out the shards of each batch.
class Workers {
 public:
  Workers(const Network& network, std::size_t count, TrainerConfig config) {
    config.data_parallel = true;
    for (std::size_t i = 0; i < count; ++i) {
      networks_.push_back(std::make_unique<Network>(network.Clone()));
      trainers_.push_back(std::make_unique<Trainer>(*networks_.back(), config));
    }
  }

  // Shard i is computed by worker (i + turn) mod count. Returns the last worker's result.
  StepResult Step(const RandomExamples& examples, std::int64_t first, std::int64_t batch,
                  std::int64_t shard_count, std::size_t turn = 0) {
    const std::vector<Shard> shards = ShardsOf(batch, shard_count);
    const auto worker = [&](std::size_t shard) -> Trainer& {
      return *trainers_[(shard + turn) % trainers_.size()];
    };
    std::vector<std::int64_t> labelled(Index(trainers_[0]->TargetCount()));
    for (std::size_t i = 0; i < shards.size(); ++i) {
      worker(i).CountLabelled(shards[i].examples,
                              examples.Targets(first + shards[i].first, shards[i].examples),
                              labelled);
    }
    const BatchTotals whole{.examples = batch, .labelled = labelled};
    std::vector<std::vector<float>> gradients;
    for (std::size_t i = 0; i < shards.size(); ++i) {
      gradients.emplace_back(Index(worker(i).GradientFloats()), kNaN);
      worker(i).ComputeGradients(
          whole, shards[i], examples.Inputs(first + shards[i].first, shards[i].examples),
          examples.Targets(first + shards[i].first, shards[i].examples), gradients.back());
    }
    sum_ = SumInTree(gradients);
    StepResult result;
    for (const auto& trainer : trainers_) result = trainer->ApplyGradients(whole, sum_);
    return result;
  }

  Trainer& trainer(std::size_t i) { return *trainers_[i]; }
  const Network& network(std::size_t i) const { return *networks_[i]; }
  std::size_t count() const { return trainers_.size(); }
  const std::vector<float>& sum() const { return sum_; }

 private:
  std::vector<std::unique_ptr<Network>> networks_;
  std::vector<std::unique_ptr<Trainer>> trainers_;
  std::vector<float> sum_;
};

void ExpectSame(Workers& a, std::size_t i, Workers& b, std::size_t j) {
  EXPECT_EQ(Differences(ParametersOf(a.network(i)), ParametersOf(b.network(j))), kNone);
  EXPECT_EQ(Differences(StateOf(a.trainer(i), a.network(i)), StateOf(b.trainer(j), b.network(j))),
            kNone);
}

void ExpectClose(const NamedValues& a, const NamedValues& b, float tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [path, values] : a) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_NEAR(values[i], b.at(path)[i], tolerance * (1.0f + std::abs(values[i]))) << path;
    }
  }
}

std::vector<TrainerConfig> Configs() {
  return {{.optimizer = Sgd{.learning_rate = 0.05, .momentum = 0.9},
           .schedule = {.kind = ScheduleKind::kCosine, .total_steps = 9, .warmup_steps = 2},
           .max_batch_size = kBatch,
           .clip_norm = 0.5,
           .layer_decay = 0.8},
          {.optimizer = AdamW{.learning_rate = 0.01}, .max_batch_size = kBatch},
          {.optimizer = RmsProp{},
           .max_batch_size = kBatch,
           .clip_value = 0.01,
           .start_decay = 0.3,
           .average_decay = 0.9}};
}

// Of a wide head few labelled entries are computed one by one.
NetworkBuilder WithHead(int labels, LossNormalization normalization) {
  std::vector<std::string> names;
  for (int i = 0; i < labels; ++i) names.push_back("label" + std::to_string(i));
  TaskSpec task = LabelsTask(names);
  task.normalization = normalization;
  NetworkBuilder builder(Shape::Vector(12));
  builder.Dense("dense1", 40).Relu().Head("signs", task);
  return builder;
}

TEST(DataParallel, WhoeverComputesWhichShard) {
  const Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, 100, 3);
  for (const TrainerConfig& config : Configs()) {
    Workers one(network, 1, config);
    Workers three(network, 3, config);
    for (int step = 0; step < 5; ++step) {
      const std::int64_t batch = step == 3 ? kBatch - 5 : kBatch;
      const StepResult a = one.Step(examples, step * 12, batch, kShards);
      const StepResult b = three.Step(examples, step * 12, batch, kShards, Index(step));
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.gradient_norm, b.gradient_norm);
      EXPECT_EQ(a.learning_rate, b.learning_rate);
    }
    for (std::size_t i = 0; i < 3; ++i) ExpectSame(one, 0, three, i);
  }
}

TEST(DataParallel, AnyNumberOfThreads) {
  const Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, kBatch, 3);
  const int before = ThreadPool::Shared().thread_count();
  const auto train = [&](int threads) {
    ThreadPool::Shared().SetThreadCount(threads);
    Workers workers(network, 1, {.max_batch_size = kBatch});
    for (int step = 0; step < 3; ++step) workers.Step(examples, 0, kBatch, kShards);
    return ParametersOf(workers.network(0));
  };
  EXPECT_EQ(Differences(train(1), train(4)), kNone);
  ThreadPool::Shared().SetThreadCount(before);
}

// With dropout and batch norm too: one shard is the whole batch.
TEST(DataParallel, OneShardIsAStep) {
  for (const TrainerConfig& config : Configs()) {
    Network whole = ThreeHeads().Build(5);
    const RandomExamples examples(whole, 100, 3);
    Workers workers(whole, 1, config);
    Trainer trainer(whole, config);
    for (int step = 0; step < 4; ++step) {
      const StepResult expected = trainer.Step(kBatch, examples.Inputs(step * 12, kBatch),
                                               examples.Targets(step * 12, kBatch));
      const StepResult got = workers.Step(examples, step * 12, kBatch, 1);
      EXPECT_NEAR(got.loss, expected.loss, 1e-6);
      EXPECT_NEAR(got.gradient_norm, expected.gradient_norm, 1e-5 * expected.gradient_norm);
      for (std::size_t i = 0; i < got.tasks.size(); ++i) {
        EXPECT_EQ(got.tasks[i].labelled, expected.tasks[i].labelled);
      }
    }
    if (config.clip_norm) {  // else gradients of some layers are added up in another order
      EXPECT_EQ(Differences(ParametersOf(whole), ParametersOf(workers.network(0))), kNone);
    } else {
      ExpectClose(ParametersOf(whole), ParametersOf(workers.network(0)), 1e-4f);
    }
  }
}

// Of large layers a whole step has the gradients elsewhere, and sums up their squares alike.
TEST(DataParallel, OneShardIsAStepOfLargeLayersToo) {
  const TrainerConfig config = {.optimizer = AdamW{}, .max_batch_size = kBatch, .clip_norm = 0.01};
  Network whole = NetworkBuilder(Shape::Image(3, 12, 12))
                      .Conv2d("conv1", 96, 3)
                      .Conv2d("conv2", 96, 3)
                      .Layer({.name = "gelu", .kind = "gelu"})
                      .Conv2d("conv3", 96, 3)
                      .Flatten()
                      .Dense("dense1", 200)
                      .Relu()
                      .Head("signs", LabelsTask({"a", "b"}))
                      .Build(5);
  const RandomExamples examples(whole, 3 * kBatch, 3);
  Workers workers(whole, 1, config);
  Trainer trainer(whole, config);
  for (int step = 0; step < 3; ++step) {
    const StepResult expected = trainer.Step(kBatch, examples.Inputs(step * kBatch, kBatch),
                                             examples.Targets(step * kBatch, kBatch));
    EXPECT_GT(expected.gradient_norm, *config.clip_norm);
    const StepResult got = workers.Step(examples, step * kBatch, kBatch, 1);
    EXPECT_EQ(got.gradient_norm, expected.gradient_norm);
  }
  EXPECT_EQ(Differences(ParametersOf(whole), ParametersOf(workers.network(0))), kNone);
}

// Where nothing is drawn and nothing normalized by batch.
TEST(DataParallel, ShardsAreCloseToAStepOnAll) {
  for (const LossNormalization normalization :
       {LossNormalization::kExamples, LossNormalization::kLabelledEntries,
        LossNormalization::kPerLabel}) {
    for (const bool is_wide : {false, true}) {
      TaskSpec signs = LabelsTask({"a", "b", "c"});
      signs.normalization = normalization;
      signs.weight = 0.7;
      TaskSpec kind = ClassesTask(3);
      kind.normalization = normalization;
      kind.class_weights = {1.0, 2.0, 0.5};
      Network whole =
          WithHead(is_wide ? 80 : 4, normalization).Head("more", signs).Head("kind", kind).Build(5);
      const RandomExamples examples(whole, 100, 3, 0.8);
      const TrainerConfig config{.optimizer = Sgd{.learning_rate = 0.5}, .max_batch_size = kBatch};
      Workers workers(whole, 2, config);
      Trainer trainer(whole, config);
      for (int step = 0; step < 5; ++step) {
        const StepResult expected = trainer.Step(kBatch, examples.Inputs(step * 12, kBatch),
                                                 examples.Targets(step * 12, kBatch));
        const StepResult got = workers.Step(examples, step * 12, kBatch, kShards);
        EXPECT_NEAR(got.loss, expected.loss, 1e-5 * expected.loss);
      }
      ExpectClose(ParametersOf(whole), ParametersOf(workers.network(1)), 1e-5f);
    }
  }
}

// A shard whose labels nobody knows adds nothing; a unit that no shard reaches keeps all it has.
TEST(DataParallel, ShardsAndUnitsWithoutLabels) {
  Network whole = OneHead().Build(5);
  RandomExamples examples(whole, kBatch, 3, 0.0);
  for (std::size_t i = 0; i < examples.values(0).size(); ++i) {
    const bool is_first_shard = i < examples.values(0).size() / kShards;
    if (is_first_shard || i % 4 == 2) examples.values(0)[i] = kNaN;
  }
  Workers workers(whole, 2, {.optimizer = AdamW{.learning_rate = 0.01}, .max_batch_size = kBatch});
  const NamedValues before = ParametersOf(whole);
  const StepResult got = workers.Step(examples, 0, kBatch, kShards);
  EXPECT_EQ(got.tasks[0].labelled, 3 * kBatch * 3 / 4);
  EXPECT_GT(got.loss, 0.0);
  const std::vector<float> weights = workers.network(0).ReadParameter("heads.signs.dense.weight");
  const std::vector<float> former = before.at("heads.signs.dense.weight");
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ(weights[i] == former[i], i / 10 == 2) << i;
  }
  Trainer trainer(whole, {.optimizer = AdamW{.learning_rate = 0.01}, .max_batch_size = kBatch});
  trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
  ExpectClose(ParametersOf(whole), ParametersOf(workers.network(1)), 1e-4f);
}

TEST(DataParallel, ABatchWithoutLabelsChangesNothing) {
  const Network whole = ThreeHeads().Build(5);
  RandomExamples examples(whole, kBatch, 3, 1.0);
  Workers workers(whole, 1, {.max_batch_size = kBatch});
  EXPECT_EQ(workers.Step(examples, 0, kBatch, kShards).loss, 0.0);
  EXPECT_EQ(workers.trainer(0).steps(), 1);
  EXPECT_EQ(Differences(ParametersOf(whole), ParametersOf(workers.network(0))), kNone);
}

// Running statistics become the mean of what each shard, by itself, would have left.
TEST(DataParallel, RunningStatisticsAreTheMeanOfTheShards) {
  const Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, kBatch, 3, 0.0);
  Workers workers(network, 2, {.optimizer = Sgd{.learning_rate = 1e-6}, .max_batch_size = kBatch});
  workers.Step(examples, 0, kBatch, 2);
  for (const std::string path : {"norm1.running_mean", "norm1.running_var"}) {
    std::vector<std::vector<float>> halves;
    for (const std::int64_t first : {std::int64_t{0}, kBatch / 2}) {
      Network half = network.Clone();
      Trainer trainer(half, {.optimizer = Sgd{.learning_rate = 1e-6}, .max_batch_size = kBatch});
      trainer.Step(kBatch / 2, examples.Inputs(first, kBatch / 2),
                   examples.Targets(first, kBatch / 2));
      halves.push_back(half.ReadParameter(path));
    }
    const std::vector<float> got = workers.network(0).ReadParameter(path);
    ASSERT_FALSE(got.empty());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_NE(halves[0][i], halves[1][i]);
      EXPECT_FLOAT_EQ(got[i], 0.5f * (halves[0][i] + halves[1][i]));
    }
  }
}

// Frozen layers have no place in what is exchanged, nor do their statistics.
TEST(DataParallel, FrozenLayersStay) {
  Network network = ThreeHeads().Build(5);
  network.Freeze({.pattern = "images", .through = true});
  const RandomExamples examples(network, kBatch, 3);
  Workers workers(network, 2, {.max_batch_size = kBatch});
  for (int step = 0; step < 3; ++step) workers.Step(examples, 0, kBatch, kShards);
  std::int64_t floats = 3;
  for (const ParameterDescription& parameter : network.Parameters()) {
    const bool is_frozen = parameter.path.starts_with("conv") || parameter.path.starts_with("norm");
    if (!is_frozen) floats += parameter.shape.element_count();
    EXPECT_EQ(
        network.ReadParameter(parameter.path) == workers.network(1).ReadParameter(parameter.path),
        is_frozen)
        << parameter.path;
  }
  EXPECT_EQ(workers.trainer(0).GradientFloats(), floats);
}

// Rows that no shard names stay at rest; what is exchanged has all of them.
TEST(DataParallel, RowsOfTables) {
  Network whole =
      NetworkBuilder({{.name = "ids", .shape = Shape{3}, .type = ElementType::kInt32}})
          .Layer(Spec("embedding", {{"count", std::int64_t{40}}, {"width", std::int64_t{4}}},
                      "words", {}))
          .Layer(Spec("token_pool", "mean", {"words"}))
          .Head("signs", LabelsTask({"a"}))
          .Build(1);
  const TrainerConfig config{.optimizer = AdamW{.learning_rate = 0.01}, .max_batch_size = 2};
  TrainerConfig shared = config;
  shared.data_parallel = true;
  Network apart = whole.Clone();
  Trainer trainer(whole, config);
  Trainer sharded(apart, shared);
  const std::vector<std::vector<std::int32_t>> steps = {{0, 3, 7, 30, 3, 39}, {39, 1, 2, 3, 4, 5}};
  const float answers[] = {1.0f, 0.0f};
  for (const std::vector<std::int32_t>& ids : steps) {
    const InputData inputs[] = {std::span<const std::int32_t>(ids)};
    const TaskTargets targets[] = {{.values = answers}};
    trainer.Step(2, Inputs(std::span<const InputData>(inputs)), targets);
    const std::int64_t labelled[] = {2};
    const BatchTotals totals{.examples = 2, .labelled = labelled};
    std::vector<std::vector<float>> gradients(2,
                                              std::vector<float>(Index(sharded.GradientFloats())));
    for (std::size_t i = 0; i < 2; ++i) {
      const InputData own[] = {std::span(ids).subspan(3 * i, 3)};
      const TaskTargets answer[] = {{.values = std::span(answers).subspan(i, 1)}};
      sharded.ComputeGradients(totals, {.first = static_cast<std::int64_t>(i), .examples = 1},
                               Inputs(std::span<const InputData>(own)), answer, gradients[i]);
    }
    sharded.ApplyGradients(totals, SumInTree(gradients));
  }
  ExpectClose(ParametersOf(whole), ParametersOf(apart), 1e-6f);
  ExpectClose(StateOf(trainer, whole), StateOf(sharded, apart), 1e-6f);
}

TEST(DataParallel, WhatItTakes) {
  Network network = OneHead().Build(5);
  RandomExamples examples(network, kBatch, 3, 0.0);
  Trainer trainer(network, {.max_batch_size = kBatch, .data_parallel = true});
  std::vector<std::int64_t> counts(4);
  trainer.CountLabelled(kBatch, examples.Targets(0, kBatch), counts);
  EXPECT_EQ(counts, std::vector<std::int64_t>(4, kBatch));
  std::vector<float> gradients(Index(trainer.GradientFloats()));
  const BatchTotals totals{.examples = kBatch, .labelled = counts};
  const auto compute = [&](const BatchTotals& whole, const Shard& shard) {
    return MessageOf([&] {
      trainer.ComputeGradients(whole, shard, examples.Inputs(0, kBatch),
                               examples.Targets(0, kBatch), gradients);
    });
  };
  EXPECT_EQ(compute(totals, {.first = 1, .examples = kBatch}),
            "gradients: expected a shard of a batch of 24, got 24 examples from 1");
  EXPECT_EQ(compute(totals, {.first = -1, .examples = kBatch}),
            "gradients: expected a shard of a batch of 24, got 24 examples from -1");
  EXPECT_EQ(compute({.examples = kBatch, .labelled = std::span(counts).first(3)},
                    {.first = 0, .examples = kBatch}),
            "batch: expected 4 counts of labelled examples, got 3");
  std::vector<std::int64_t> few = counts;
  few[2] = kBatch - 1;
  EXPECT_EQ(compute({.examples = kBatch, .labelled = few}, {.first = 0, .examples = kBatch}),
            "gradients: expected no more labelled examples in the shard than the 23 of the batch, "
            "got 24 for target 2");
  few[2] = -1;
  EXPECT_EQ(compute({.examples = kBatch, .labelled = few}, {.first = 0, .examples = kBatch}),
            "batch: expected at least one example, and 0 to all of 24 labelled, got -1");
  EXPECT_EQ(MessageOf([&] { trainer.ApplyGradients(totals, std::span(gradients).first(7)); }),
            "apply gradients: expected " + std::to_string(gradients.size()) +
                " floats of gradients, got 7");
  few.pop_back();
  EXPECT_EQ(MessageOf([&] { trainer.CountLabelled(1, examples.Targets(0, 1), few); }),
            "count labelled: expected room for 4 counts, got 3");

  // What is not finite is refused by all, and changes nothing.
  ASSERT_EQ(compute(totals, {.first = 0, .examples = kBatch}), "");
  const NamedValues before = ParametersOf(network);
  for (const std::size_t place : {std::size_t{5}, gradients.size() - 1}) {
    std::vector<float> bad = gradients;
    bad[place] = kNaN;
    EXPECT_NE(MessageOf([&] { trainer.ApplyGradients(totals, bad); }), "") << place;
    EXPECT_EQ(Differences(ParametersOf(network), before), kNone);
    EXPECT_EQ(trainer.steps(), 0);
  }
  std::string message;
  std::thread([&] {
    message = MessageOf([&] { trainer.ApplyGradients(totals, gradients); });
  }).join();
  EXPECT_EQ(message, "apply gradients: expected the thread that made the trainer, got another one");
  trainer.ApplyGradients(totals, gradients);
  trainer.Release();
  EXPECT_EQ(MessageOf([&] { trainer.ApplyGradients(totals, gradients); }),
            "apply gradients: expected a trainer that holds its network, got a released one");

  Trainer alone(network, {.max_batch_size = kBatch});
  EXPECT_EQ(MessageOf([&] { alone.ApplyGradients(totals, gradients); }),
            "gradients: expected a trainer with data_parallel, got another");
  EXPECT_EQ(MessageOf([&] {
              Network other = OneHead().Build(1);
              Trainer balanced(other, {.balance = UncertaintyWeights{}, .data_parallel = true});
            }),
            "data_parallel: expected tasks with weights of their own alone, got a balance");
}

}  // namespace
}  // namespace espalier
