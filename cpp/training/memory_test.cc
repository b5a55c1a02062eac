// SPDX-License-Identifier: Apache-2.0

// Steps allocate nothing, and running out of memory leaves everything as it was.

#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/memory.h"
#include "espalier/builder.h"
#include "espalier/error.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/layer_spec.h"
#include "testing/sanitized.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace {

std::atomic<std::int64_t> allocations{0};  // of the whole test program, but under a sanitizer

}  // namespace

#ifndef ESPALIER_SANITIZED
#include "testing/replaced_new.h"

void espalier::testing::BeforeAllocation() { allocations.fetch_add(1, std::memory_order_relaxed); }
#endif

namespace espalier {
namespace {

using testing::Differences;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 16;

// Calls `work` a few times to warm up (threads start), then counts.
template <typename Work>
void ExpectNoAllocations(Work work) {
  for (int i = 0; i < 3; ++i) work();
  const std::int64_t bytes = NativeBytesInUse();
  const std::int64_t before = allocations.load();
  for (int i = 0; i < 20; ++i) work();
  EXPECT_EQ(allocations.load() - before, 0);
  EXPECT_EQ(NativeBytesInUse(), bytes);
}

#ifndef ESPALIER_SANITIZED
TEST(TrainingMemory, TheCounterCounts) {
  const std::int64_t before = allocations.load();
  // Functions rather than expressions, which a compiler may leave out.
  ::operator delete(::operator new(4));
  EXPECT_GE(allocations.load() - before, 1);
}
#endif

TEST(TrainingMemory, StepsOfAWideHeadAllocateNothing) {
  std::vector<std::string> labels;
  for (int i = 0; i < 200; ++i) labels.push_back("l" + std::to_string(i));
  Network network =
      NetworkBuilder(Shape::Vector(5)).Dense("features", 40).Head("h", LabelsTask(labels)).Build(1);
  Trainer trainer(network, {.max_batch_size = kBatch});
  int step = 0;
  std::vector<std::vector<TaskTargets>> targets;
  std::vector<RandomExamples> examples;
  for (const double unlabelled : {0.97, 0.5, 0.8}) {
    examples.emplace_back(network, kBatch, static_cast<std::uint32_t>(step++), unlabelled);
  }
  for (const RandomExamples& some : examples) targets.push_back(some.Targets(0, kBatch));
  ExpectNoAllocations([&] {
    const std::size_t i = static_cast<std::size_t>(step++) % targets.size();
    trainer.Step(kBatch, examples[i].Inputs(0, kBatch), targets[i]);
  });
}

TEST(TrainingMemory, StepsAllocateNothing) {
  for (const OptimizerConfig& optimizer :
       {OptimizerConfig(AdamW{}), OptimizerConfig(Sgd{.momentum = 0.9})}) {
    Network network = ThreeHeads().Build(5);
    const RandomExamples examples(network, kBatch, 3);
    Trainer trainer(
        network,
        {.optimizer = optimizer, .max_batch_size = kBatch, .clip_value = 1.0, .clip_norm = 1.0});
    const std::vector<TaskTargets> targets = examples.Targets(0, kBatch);
    ExpectNoAllocations([&] { trainer.Step(kBatch, examples.Inputs(0, kBatch), targets); });
    std::vector<float> logits(kBatch * 10);
    ExpectNoAllocations([&] { trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), logits); });
    trainer.SaveBest();
    ExpectNoAllocations([&] {
      trainer.SaveBest();
      trainer.RestoreBest();
    });
  }
}

TEST(TrainingMemory, StepsWithAnOwnLossAllocateNothing) {
  class SumOfLogits : public Loss {
    double Compute(const LossBatch& batch, std::span<float> gradients) const override {
      double sum = 0.0;
      for (std::size_t i = 0; i < gradients.size(); ++i) {
        if (batch.mask[i] == 0) continue;
        sum += static_cast<double>(batch.logits[i]);
        gradients[i] = 1.0f;
      }
      return sum;
    }
  };
  Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(
      network, {.max_batch_size = kBatch, .losses = {{"signs", std::make_shared<SumOfLogits>()}}});
  const std::vector<TaskTargets> targets = examples.Targets(0, kBatch);
  ExpectNoAllocations([&] { trainer.Step(kBatch, examples.Inputs(0, kBatch), targets); });
}

TEST(TrainingMemory, CachedStepsAllocateNothing) {
  Network network = ThreeHeads().Build(5);
  network.Freeze({.pattern = "features", .through = true});
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(network, {.max_batch_size = kBatch});
  trainer.ReserveFeatures(0, kBatch);
  ExpectNoAllocations([&] { trainer.CacheFeatures(0, 0, kBatch, examples.Inputs(0, kBatch)); });
  const std::vector<TaskTargets> targets = examples.Targets(0, kBatch);
  std::vector<std::int64_t> batch;
  for (std::int64_t i = 0; i < kBatch; ++i) batch.push_back(kBatch - 1 - i);
  ExpectNoAllocations([&] { trainer.StepCached(0, batch, targets); });
  std::vector<float> logits(kBatch * 10);
  ExpectNoAllocations([&] { trainer.EvaluateCached(0, batch, logits); });
}

TEST(TrainingMemory, CountsWhatItHolds) {
  Network network = ThreeHeads().Build(5);
  const std::int64_t before = NativeBytesInUse();
  {
    Trainer trainer(network, {.max_batch_size = kBatch});
    EXPECT_EQ(trainer.NativeBytes(), NativeBytesInUse() - before);
    trainer.SaveBest();
    EXPECT_EQ(trainer.NativeBytes(), NativeBytesInUse() - before);
  }
  EXPECT_EQ(NativeBytesInUse(), before);
}

Network ThreeConvolutions() {
  NetworkBuilder builder(Shape::Image(3, 64, 64));
  builder.Conv2d("conv1", 32, 3).Relu().MaxPool2d(2);
  builder.Conv2d("conv2", 64, 3).Relu().MaxPool2d(2);
  builder.Conv2d("conv3", 64, 3).Relu().Layer(testing::Spec("global_average_pool2d"));
  builder.Head("answer", LabelsTask({"a", "b"}));
  return builder.Build(7);
}

// The prefix and evaluation of a large batch run in pieces, with the bits of single examples.
TEST(TrainingMemory, AFrozenPrefixAndEvaluationTakeLittle) {
  constexpr std::int64_t kLargeBatch = 256;
  Network network = ThreeConvolutions();
  network.Freeze({.pattern = "conv*"});
  const RandomExamples examples(network, kLargeBatch, 3);
  Trainer trainer(network, {.max_batch_size = kLargeBatch});
  std::vector<float> logits(kLargeBatch * 2);
  trainer.Evaluate(kLargeBatch, examples.Inputs(0, kLargeBatch), logits);
  trainer.Step(kLargeBatch, examples.Inputs(0, kLargeBatch), examples.Targets(0, kLargeBatch));
  EXPECT_LT(trainer.NativeBytes(), 40'000'000);

  std::vector<float> together(kLargeBatch * 2);
  trainer.Evaluate(kLargeBatch, examples.Inputs(0, kLargeBatch), together);
  std::vector<float> alone(kLargeBatch * 2);
  for (std::int64_t i = 0; i < kLargeBatch; ++i) {
    trainer.Evaluate(1, examples.Inputs(i, 1),
                     std::span(alone).subspan(static_cast<std::size_t>(2 * i), 2));
  }
  EXPECT_TRUE(testing::SameBits(alone, together));
}

// From the raw input, where nothing is frozen.
TEST(TrainingMemory, EvaluationTakesLittle) {
  constexpr std::int64_t kLargeBatch = 256;
  Network network = ThreeConvolutions();
  Trainer trainer(network, {.max_batch_size = kLargeBatch});
  const std::int64_t before = trainer.NativeBytes();
  const RandomExamples examples(network, kLargeBatch, 3);
  std::vector<float> logits(kLargeBatch * 2);
  trainer.Evaluate(kLargeBatch, examples.Inputs(0, kLargeBatch), logits);
  EXPECT_LT(trainer.NativeBytes() - before, 20'000'000);
}

TEST(TrainingMemory, MomentsOnlyForWhatIsTrained) {
  const auto bytes = [](const char* frozen) {
    Network network = ThreeHeads().Build(5);
    if (*frozen) network.Freeze({.pattern = frozen});
    return Trainer(network, {.max_batch_size = 1}).NativeBytes();
  };
  // dense1 has 17·(144 + 1) of about 3,500 parameters: gradient and two moments.
  EXPECT_LT(bytes("dense1"), bytes("") - 3 * 17 * 145 * 4 + 1024);
}

TEST(TrainingMemory, NoGradientIsStoredThatIsUsedWhereItIsComputed) {
  const auto bytes = [](std::optional<double> clip_norm) {
    Network network = NetworkBuilder(Shape::Vector(512))
                          .Dense("dense1", 512)
                          .Head("signs", LabelsTask({"a"}))
                          .Build(5);
    return Trainer(network, {.max_batch_size = 1, .clip_norm = clip_norm}).NativeBytes();
  };
  // A limit of the norm needs all gradients before any is used.
  EXPECT_LT(bytes(std::nullopt), bytes(1.0) - 512 * 512 * 4 + 128 * 1024);
}

#ifdef ESPALIER_FAIL_POINTS
TEST(TrainingMemory, EveryFailedAllocationLeavesTheNetworkFreeAndAsItWas) {
  Network network = ThreeHeads().Build(5);
  network.Freeze({.pattern = "images", .through = true});
  const RandomExamples examples(network, kBatch, 3);
  const auto parameters = ParametersOf(network);
  const std::int64_t before = NativeBytesInUse();
  int failures = 0;
  for (std::int64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000);
    FailAllocation(nth, /*persistent=*/false);
    try {
      Trainer trainer(network, {.max_batch_size = kBatch});
      trainer.ReserveFeatures(0, kBatch);
      trainer.CacheFeatures(0, 0, kBatch, examples.Inputs(0, kBatch));
      trainer.SaveBest();
      std::vector<float> logits(kBatch * 10);
      trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), logits);
      FailAllocation(0, false);
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory) << error.what();
      ++failures;
    }
    EXPECT_EQ(NativeBytesInUse(), before) << nth;
    EXPECT_EQ(Differences(parameters, ParametersOf(network)), std::vector<std::string>{});
  }
  FailAllocation(0, false);
  EXPECT_GE(failures, 8);
}

TEST(TrainingMemory, FailedReservationAndEvaluationMayBeTriedAgain) {
  Network network = ThreeHeads().Build(5);
  network.Freeze({.pattern = "images", .through = true});
  const RandomExamples examples(network, kBatch, 3);
  Trainer trainer(network, {.max_batch_size = kBatch});
  std::vector<float> logits(kBatch * 10);
  FailAllocation(1, false);
  EXPECT_THROW(trainer.ReserveFeatures(0, kBatch), Error);
  EXPECT_THROW(trainer.CacheFeatures(0, 0, kBatch, examples.Inputs(0, kBatch)), Error);
  trainer.ReserveFeatures(0, kBatch);
  trainer.CacheFeatures(0, 0, kBatch, examples.Inputs(0, kBatch));
  for (const std::int64_t nth : {1, 2, 3}) {
    FailAllocation(nth, false);
    EXPECT_THROW(trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), logits), Error);
  }
  FailAllocation(0, false);
  trainer.Evaluate(kBatch, examples.Inputs(0, kBatch), logits);
  trainer.Step(kBatch, examples.Inputs(0, kBatch), examples.Targets(0, kBatch));
}
#endif

}  // namespace
}  // namespace espalier
