// SPDX-License-Identifier: Apache-2.0

// Same seed and data, same bits: on any number of threads, beside other trainings, and with
// features cached or not.

#include <functional>
#include <numeric>
#include <thread>

#include "core/thread_pool.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"
#include "testing/widest_run.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::StateOf;

constexpr std::int64_t kBatch = 24;
constexpr std::int64_t kExamples = 60;
const std::vector<std::string> kNone;

class ThreadCountScope {
 public:
  explicit ThreadCountScope(int threads) : before_(ThreadPool::Shared().thread_count()) {
    ThreadPool::Shared().SetThreadCount(threads);
  }
  ~ThreadCountScope() { ThreadPool::Shared().SetThreadCount(before_); }

 private:
  int before_;
};

// Large enough that most products and convolutions are shared.
NetworkBuilder Wide() {
  NetworkBuilder builder(Shape::Image(3, 12, 12));
  builder.Conv2d("conv1", 16, 3)
      .BatchNorm("norm1")
      .Relu()
      .MaxPool2d(2)
      .Conv2d("conv2", 24, 3)
      .Layer({.name = "images", .kind = "relu"})
      .Dropout(0.25)
      .Dense("dense1", 256)
      .Layer({.name = "features", .kind = "gelu"})
      .Head("signs", LabelsTask({"a", "b", "c", "d", "e"}))
      .Head("kind", ClassesTask(7));
  return builder;
}

struct Trained {
  NamedValues parameters;
  NamedValues moments;
  std::vector<double> losses;
};

Trained Train(int steps, std::uint64_t seed = 3, int threads = 0) {
  Network network = Wide().Build(5);
  const RandomExamples examples(network, kExamples, 3);
  Trainer trainer(network,
                  {.max_batch_size = kBatch, .seed = seed, .clip_norm = 1.0, .threads = threads});
  Trained trained;
  for (int step = 0; step < steps; ++step) {
    const std::int64_t first = step * 7 % (kExamples - kBatch);
    const std::int64_t batch = step % 5 == 4 ? kBatch - 7 : kBatch;
    trained.losses.push_back(
        trainer.Step(batch, examples.Inputs(first, batch), examples.Targets(first, batch)).loss);
  }
  trained.parameters = ParametersOf(network);
  trained.moments = StateOf(trainer, network);
  return trained;
}

void ExpectSame(const Trained& a, const Trained& b) {
  EXPECT_EQ(a.losses, b.losses);
  EXPECT_EQ(Differences(a.parameters, b.parameters), kNone);
  EXPECT_EQ(Differences(a.moments, b.moments), kNone);
}

TEST(Determinism, SameBitsOnAnyNumberOfThreads) {
  std::optional<Trained> expected;
  for (const int threads : {1, 2, 3, 5, 8}) {
    SCOPED_TRACE(threads);
    const ThreadCountScope scope(threads);
    if (!expected) {
      ThreadPool::Shared().ResetWidestRun();
      expected = Train(200);
      EXPECT_LE(ThreadPool::Shared().widest_run(), 1);
    } else {
      EXPECT_GT(testing::WidestRunOf([&] { ExpectSame(Train(200), *expected); }), 1);
    }
  }
}

TEST(Determinism, ThreadCountMayChangeBetweenSteps) {
  const auto train = [](bool changes) {
    Network network = Wide().Build(5);
    const RandomExamples examples(network, kBatch, 3);
    const ThreadCountScope scope(1);
    Trainer trainer(network, {.max_batch_size = kBatch});
    for (int step = 0; step < 12; ++step) {
      if (changes) ThreadPool::Shared().SetThreadCount(1 + step % 4);
      trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
    }
    return ParametersOf(network);
  };
  EXPECT_EQ(Differences(train(false), train(true)), kNone);
}

TEST(Determinism, ATrainerHasNoMoreThreadsThanItsOwnLimit) {
  const ThreadCountScope scope(4);
  const Trained expected = Train(50);
  ThreadPool::Shared().ResetWidestRun();
  ExpectSame(Train(50, /*seed=*/3, /*threads=*/1), expected);
  EXPECT_LE(ThreadPool::Shared().widest_run(), 1);
  const int widest =
      testing::WidestRunOf([&] { ExpectSame(Train(50, /*seed=*/3, /*threads=*/2), expected); });
  EXPECT_EQ(widest, 2);
}

TEST(Determinism, SameSeedSameBitsOtherSeedOthers) {
  const Trained first = Train(10);
  ExpectSame(first, Train(10));
  EXPECT_NE(first.losses, Train(10, /*seed=*/4).losses);
}

TEST(Determinism, TrainingsDoNotDisturbEachOther) {
  const ThreadCountScope scope(2);
  const Trained expected = Train(60);
  Trained beside[2];
  std::thread other([&] { beside[0] = Train(60); });
  beside[1] = Train(60);
  other.join();
  ExpectSame(beside[0], expected);
  ExpectSame(beside[1], expected);
}

// Two outputs of the prefix: the images go to one head, the features to two.
Trained TrainOnFrozenTrunk(bool cached, std::int64_t* prefix_examples) {
  Network network = testing::ThreeHeads().Build(5);
  network.Freeze({.pattern = "features", .through = true});
  RandomExamples examples(network, kExamples, 3);
  const RandomExamples validation(network, 37, 4);
  Trainer trainer(network, {.max_batch_size = kBatch});
  EXPECT_TRUE(trainer.HasFrozenPrefix());
  EXPECT_EQ(trainer.FeatureCount(), 9 * 4 * 4 + 17);
  if (cached) {
    trainer.ReserveFeatures(0, kExamples);
    trainer.ReserveFeatures(1, 37);
    for (std::int64_t first = 0; first < kExamples; first += 20) {
      trainer.CacheFeatures(0, first, 20, examples.Inputs(first, 20));
    }
    trainer.CacheFeatures(1, 0, 37, validation.Inputs(0, 37));
  }
  Trained trained;
  std::vector<float> logits(37 * 10);
  for (int step = 0; step < 40; ++step) {
    // A batch of examples from all over the set, in any order.
    std::vector<std::int64_t> batch;
    std::vector<float> inputs;
    std::vector<std::vector<float>> values(3);
    std::vector<std::int32_t> classes;
    for (std::int64_t i = 0; i < kBatch - step % 3; ++i) {
      const std::int64_t example = (i * 23 + step * 11) % kExamples;
      batch.push_back(example);
      const auto row = examples.Inputs(example, 1);
      inputs.insert(inputs.end(), row.begin(), row.end());
      const auto targets = examples.Targets(example, 1);
      for (const std::size_t head : {std::size_t{0}, std::size_t{2}}) {
        values[head].insert(values[head].end(), targets[head].values.begin(),
                            targets[head].values.end());
      }
      classes.push_back(targets[1].classes[0]);
    }
    const std::vector<TaskTargets> targets = {
        {.values = values[0]}, {.classes = classes}, {.values = values[2]}};
    const auto size = static_cast<std::int64_t>(batch.size());
    trained.losses.push_back(cached ? trainer.StepCached(0, batch, targets).loss
                                    : trainer.Step(size, inputs, targets).loss);
    if (step % 10 == 9) {
      if (cached) {
        std::vector<std::int64_t> all(37);
        for (std::size_t i = 0; i < 37; ++i) all[i] = static_cast<std::int64_t>(i);
        trainer.EvaluateCached(1, all, logits);
      } else {
        trainer.Evaluate(37, validation.Inputs(0, 37), logits);
      }
      trained.losses.insert(trained.losses.end(), logits.begin(), logits.end());
    }
  }
  trained.parameters = ParametersOf(network);
  trained.moments = StateOf(trainer, network);
  *prefix_examples = trainer.prefix_examples();
  return trained;
}

TEST(Determinism, SameBitsWithFeaturesCachedOrNot) {
  std::int64_t plain = 0;
  std::int64_t cached = 0;
  const Trained expected = TrainOnFrozenTrunk(false, &plain);
  ExpectSame(TrainOnFrozenTrunk(true, &cached), expected);
  EXPECT_EQ(cached, kExamples + 37);  // the trunk ran once an example
  EXPECT_EQ(plain, 40 * kBatch - 39 + 4 * 37);
}

// Each kind of call of a trainer with a frozen trunk; returns the most threads that one had.
std::vector<int> WidestRuns(int threads) {
  Network network = Wide().Build(5);
  network.Freeze({.pattern = "images", .through = true});
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(network, {.max_batch_size = kBatch, .threads = threads, .data_parallel = true});
  trainer.ReserveFeatures(0, kBatch);
  const auto inputs = examples.Inputs(0, kBatch);
  const auto targets = examples.Targets(0, kBatch);
  std::vector<std::int64_t> all(kBatch);
  std::iota(all.begin(), all.end(), 0);
  std::vector<float> logits(kBatch * 12);
  std::vector<float> gradients(static_cast<std::size_t>(trainer.GradientFloats()));
  std::vector<std::int64_t> labelled(static_cast<std::size_t>(trainer.TargetCount()));
  trainer.CountLabelled(kBatch, targets, labelled);
  const BatchTotals whole{.examples = kBatch, .labelled = labelled};
  const std::vector<std::function<void()>> calls = {
      [&] { trainer.CacheFeatures(0, 0, kBatch, inputs); },
      [&] { trainer.Step(kBatch, inputs, targets); },
      [&] { trainer.StepCached(0, all, targets); },
      [&] { trainer.Evaluate(kBatch, inputs, logits); },
      [&] { trainer.EvaluateCached(0, all, logits); },
      [&] { trainer.ComputeGradients(whole, {.examples = kBatch}, inputs, targets, gradients); },
      [&] { trainer.ApplyGradients(whole, gradients); },
  };
  std::vector<int> widest;
  for (const auto& call : calls) {
    if (threads == 1) {
      ThreadPool::Shared().ResetWidestRun();
      for (int i = 0; i < 1000; ++i) call();
      widest.push_back(ThreadPool::Shared().widest_run());
    } else {
      widest.push_back(testing::WidestRunOf(call));
    }
  }
  return widest;
}

TEST(Determinism, EachCallOfATrainerHasItsLimitOfThreads) {
  const ThreadCountScope scope(4);
  const std::vector<int> unlimited = WidestRuns(0);
  const std::vector<int> limited = WidestRuns(1);
  for (std::size_t i = 0; i < unlimited.size(); ++i) {
    EXPECT_GT(unlimited[i], 1) << "call " << i;
    EXPECT_LE(limited[i], 1) << "call " << i;
  }
}

}  // namespace
}  // namespace espalier
