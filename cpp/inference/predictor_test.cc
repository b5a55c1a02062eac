// SPDX-License-Identifier: Apache-2.0
#include "espalier/predictor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <thread>

#include "core/memory.h"
#include "core/thread_pool.h"
#include "espalier/runtime.h"
#include "testing/cpu_targets.h"
#include "testing/inference_networks.h"
#include "testing/messages.h"
#include "testing/reference_forward.h"
#include "testing/tolerance.h"
#include "testing/widest_run.h"

namespace espalier {
namespace {

using testing::MessageOf;
using testing::NormalFloats;
using testing::SameBits;

std::vector<float> Predict(const Predictor& predictor, std::int64_t batch,
                           std::span<const float> inputs) {
  std::vector<float> outputs(static_cast<std::size_t>(batch * predictor.output_size()));
  predictor.Predict(batch, inputs, outputs);
  return outputs;
}

TEST(Predictor, HeadsSideBySideAsProbabilities) {
  const Network network = testing::FusionNetwork();
  const Predictor predictor(network);
  const Predictor logits_predictor(network, {.logits = true});
  EXPECT_EQ(predictor.input_size(), 3 * 9 * 7);
  EXPECT_EQ(predictor.output_size(), 3 + 4 + 5 + 1);
  const std::int64_t batch = 5;
  const std::vector<float> inputs = NormalFloats(batch * predictor.input_size(), 3);
  const std::vector<float> got = Predict(predictor, batch, inputs);
  const std::vector<float> logits = Predict(logits_predictor, batch, inputs);
  const auto reference = testing::ReferenceForward(*network.state(), batch, inputs);
  for (std::int64_t i = 0; i < batch; ++i) {
    const std::size_t row = static_cast<std::size_t>(i * 13);
    std::size_t column = row;
    for (const GraphHead& head : network.state()->heads) {
      const std::size_t width = static_cast<std::size_t>(head.width());
      const float* z = reference[static_cast<std::size_t>(network.state()->logits(head))].data() +
                       i * head.width();
      double sum = 0.0;
      for (std::size_t j = 0; j < width; ++j) {
        EXPECT_NEAR(logits[column + j], z[j], 1e-5);
        sum += std::exp(static_cast<double>(z[j]));
      }
      for (std::size_t j = 0; j < width; ++j) {
        const double expected = head.task.kind == TaskKind::kLabels ? 1.0 / (1.0 + std::exp(-z[j]))
                                : head.task.kind == TaskKind::kClasses ? std::exp(z[j]) / sum
                                                                       : z[j];
        EXPECT_NEAR(got[column + j], expected, 1e-5) << head.name;
      }
      column += width;
    }
  }
}

TEST(Predictor, ValuesBetweenLabelsStayAsTheyAre) {
  NetworkBuilder builder(Shape::Vector(6));
  const auto head = [&](const char* name, TaskSpec task) {
    builder.Head({.name = name, .task = std::move(task), .initializer = "lecun_normal"});
  };
  head("before", LabelsTask({"a", "b"}));
  head("between", ValuesTask({"c", "d", "e"}));
  head("after", LabelsTask({"f", "g"}));
  head("behind", LabelsTask({"h"}));
  const Network network = builder.Build(1);
  const std::vector<float> inputs = NormalFloats(3 * 6, 3);
  const std::vector<float> got = Predict(Predictor(network), 3, inputs);
  const std::vector<float> logits = Predict(Predictor(network, {.logits = true}), 3, inputs);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::size_t column = i % 8;
    const bool is_value = column >= 2 && column < 5;
    EXPECT_NEAR(got[i], is_value ? logits[i] : 1.0 / (1.0 + std::exp(-logits[i])), 1e-6) << i;
  }
}

// One example alone, at every place of batches of every size, on one worker and several.
void ExpectSameBitsEverywhere(const Network& network, std::int64_t piece) {
  const std::int64_t examples = 23;
  SetThreadCount(1);
  const Predictor predictor(network, {.max_batch_size = piece});
  const std::int64_t size = predictor.input_size();
  const std::int64_t width = predictor.output_size();
  const std::vector<float> inputs = NormalFloats(examples * size, 4);
  std::vector<float> alone(static_cast<std::size_t>(examples * width));
  const auto example = [&](std::int64_t i) {
    return std::span<const float>(inputs).subspan(static_cast<std::size_t>(i * size),
                                                  static_cast<std::size_t>(size));
  };
  for (std::int64_t i = 0; i < examples; ++i) {
    predictor.Predict(1, example(i), {alone.data() + i * width, static_cast<std::size_t>(width)});
  }
  for (const int threads : {1, 2, 3, 5, 8}) {
    SetThreadCount(threads);
    EXPECT_TRUE(SameBits(Predict(predictor, examples, inputs), alone)) << threads << " threads";
    for (const std::int64_t batch : {1, 2, 3, 4, 7, 11, 16}) {
      for (const std::int64_t place : {std::int64_t{0}, batch / 2, batch - 1}) {
        std::vector<float> shuffled = NormalFloats(batch * size, 9);  // others around it
        std::copy_n(example(2).data(), size, shuffled.data() + place * size);
        const std::vector<float> got = Predict(predictor, batch, shuffled);
        EXPECT_EQ(std::memcmp(got.data() + place * width, alone.data() + 2 * width,
                              static_cast<std::size_t>(width) * sizeof(float)),
                  0)
            << "place " << place << " of " << batch << ", " << threads << " threads";
      }
    }
  }
  SetThreadCount(2);
}

TEST(Predictor, OneExampleHasTheSameBitsInAnyBatch) {
  testing::ForEachCpuTarget([] {
    for (const std::int64_t piece : {256, 5, 1}) {
      ExpectSameBitsEverywhere(testing::FusionNetwork(), piece);
    }
  });
}

TEST(Predictor, OneExampleHasTheSameBitsOnManyWorkers) {
  // Large enough that operations are really shared.
  NetworkBuilder builder(Shape::Image(3, 24, 24));
  builder.Conv2d("c1", 32, 3).BatchNorm().Relu().Conv2d("c2", 32, 3).Relu().MaxPool2d(2);
  builder.Dense("d", 200).Relu().Head("a", ClassesTask(10));
  const Network network = builder.Build(5);
  EXPECT_GT(testing::WidestRunOf([&] { ExpectSameBitsEverywhere(network, 16); }), 1);
}

TEST(Predictor, ManyThreadsShareOne) {
  const Network network = testing::FusionNetwork();
  const Predictor predictor(network);
  const std::int64_t size = predictor.input_size();
  const std::int64_t width = predictor.output_size();
  constexpr int kThreads = 8;
  const std::vector<float> inputs = NormalFloats(kThreads * size, 12);
  const std::vector<float> expected = Predict(predictor, kThreads, inputs);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<float> output(static_cast<std::size_t>(width));
      for (int i = 0; i < 300; ++i) {
        std::fill(output.begin(), output.end(), -1.0f);
        predictor.Predict(1, {inputs.data() + t * size, static_cast<std::size_t>(size)}, output);
        wrong += std::memcmp(output.data(), expected.data() + t * width,
                             output.size() * sizeof(float)) != 0
                     ? 1
                     : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Predictor, ForgetsTheNetworkItCameFrom) {
  std::optional<Network> network(testing::FusionNetwork());
  const Predictor predictor(*network);
  const std::vector<float> inputs = NormalFloats(predictor.input_size(), 3);
  const std::vector<float> before = Predict(predictor, 1, inputs);
  network->WriteParameter("heads.size.dense.bias", std::vector<float>{1000.0f});
  network->state()->access.BeginTraining("train");
  EXPECT_EQ(Predict(predictor, 1, inputs), before);
  network->state()->access.EndTraining();
  network.reset();
  EXPECT_EQ(Predict(predictor, 1, inputs), before);
}

TEST(Predictor, NativeBytesAreAllGivenBack) {
  const Network network = testing::FusionNetwork();
  const std::int64_t before = NativeBytesInUse();
  {
    const Predictor predictor(network);
    EXPECT_EQ(predictor.NativeBytes(), NativeBytesInUse() - before);
    EXPECT_GT(predictor.NativeBytes(), 0);
  }
  EXPECT_EQ(NativeBytesInUse(), before);
}

TEST(Predictor, BatchesLargerThanAPieceAreCut) {
  const Network network = testing::FusionNetwork();
  const Predictor whole(network);
  const Predictor pieces(network, {.max_batch_size = 4});
  EXPECT_LT(pieces.NativeBytes(), whole.NativeBytes());
  const std::vector<float> inputs = NormalFloats(11 * whole.input_size(), 3);
  EXPECT_TRUE(SameBits(Predict(pieces, 11, inputs), Predict(whole, 11, inputs)));
}

TEST(Predictor, PiecesOfWideOutputsStayInCache) {
  NetworkBuilder builder(Shape::Vector(2));
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.push_back("label" + std::to_string(i));
  builder.Head("wide", LabelsTask(names));
  const Predictor predictor(builder.Build(1));
  EXPECT_NE(predictor.Describe().find(", for pieces of 20\n"), std::string::npos);  // 8 MB
}

// One caller at a time, whatever others do with the budget.
TEST(Predictor, PredictsAtEverySizeWhereTheBudgetIsSpent) {
  NetworkBuilder builder(Shape::Vector(300));
  builder.Dense("dense", 200).Relu().Head("answer", ClassesTask(10));
  const Network vectors = builder.Build(1);
  const Network images = testing::FusionNetwork();
  const std::int64_t budget = NativeBytesLimit();
  for (const Network* network : {&vectors, &images}) {
    const Predictor predictor(*network, {.max_batch_size = 64});
    const std::int64_t bytes = predictor.NativeBytes();
    SetNativeBytesLimit(NativeBytesInUse());
    for (const std::int64_t batch : {1, 2, 63, 64, 65, 1000}) {
      const std::vector<float> inputs = NormalFloats(batch * predictor.input_size(), 3);
      const std::vector<std::uint8_t> pixels(inputs.size(), 7);
      std::vector<float> outputs(static_cast<std::size_t>(batch * predictor.output_size()));
      std::thread([&] {  // none that has called before
        EXPECT_NO_THROW(predictor.Predict(batch, inputs, outputs)) << batch;
        EXPECT_NO_THROW(predictor.PredictPixels(batch, pixels, outputs)) << batch;
      })
          .join();
    }
    EXPECT_EQ(predictor.NativeBytes(), bytes);
    SetNativeBytesLimit(budget);
  }
}

TEST(Predictor, LargeImagesTakeLittleMemory) {
  // 256 images of this size at once would need 200 MB of activations.
  const Network network = Network::Build(testing::ResNet18(Shape::Image(3, 112, 112), 10, 16), 1);
  const Predictor predictor(network);
  EXPECT_LT(predictor.NativeBytes(), 40'000'000);
}

TEST(Predictor, NonFiniteInputsPropagate) {
  NetworkBuilder builder(Shape::Vector(3));
  builder.Dense("d", 4).Relu().Head("a", LabelsTask({"x"})).Head("b", ClassesTask(3));
  const Network network = builder.Build(1);
  const Predictor predictor(network);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> inputs = {1.0f, nan, 2.0f, 1.0f, 2.0f, 3.0f};
  const std::vector<float> got = Predict(predictor, 2, inputs);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(std::isnan(got[static_cast<std::size_t>(i)]));
    EXPECT_TRUE(std::isfinite(got[static_cast<std::size_t>(4 + i)]));  // the next row is its own
  }
}

TEST(Predictor, SizesAreChecked) {
  const Network network = testing::FusionNetwork();
  const Predictor predictor(network);
  std::vector<float> inputs(static_cast<std::size_t>(2 * predictor.input_size()));
  std::vector<float> outputs(static_cast<std::size_t>(2 * predictor.output_size()));
  const std::string message =
      MessageOf(ErrorCode::kShapeMismatch, [&] { predictor.Predict(1, inputs, outputs); });
  EXPECT_NE(message.find("189"), std::string::npos) << message;
  EXPECT_NE(message.find("378"), std::string::npos) << message;
  MessageOf(ErrorCode::kShapeMismatch,
            [&] { predictor.Predict(2, inputs, std::span(outputs).first(3)); });
  MessageOf(ErrorCode::kInvalidArgument, [&] { predictor.Predict(-1, inputs, outputs); });
  MessageOf(ErrorCode::kInvalidArgument,
            [&] { predictor.Predict(std::numeric_limits<std::int64_t>::max(), inputs, outputs); });
  EXPECT_NO_THROW(predictor.Predict(0, std::span<const float>(), {}));
}

TEST(Predictor, NeedsAHeadAndASensibleBatch) {
  NetworkBuilder backbone(Shape::Vector(3));
  backbone.Dense("d", 4);
  const Network network = backbone.Build(1);
  MessageOf(ErrorCode::kInvalidState, [&] { const Predictor predictor(network); });
  const Network with_head = testing::FusionNetwork();
  for (const std::int64_t batch : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40}) {
    MessageOf(ErrorCode::kInvalidArgument,
              [&] { const Predictor predictor(with_head, {.max_batch_size = batch}); });
  }
}

TEST(Predictor, ASubsetOfHeadsHasTheirBits) {
  const Network network = testing::FusionNetwork();  // attributes 3, colour 4, kind 5, size 1
  testing::ForEachCpuTarget([&] {
    const std::int64_t batch = 9;
    const Predictor all(network);
    const Predictor some(network, {.heads = {"size", "colour"}});
    EXPECT_EQ(some.output_size(), 4 + 1);
    const std::vector<float> inputs = NormalFloats(batch * all.input_size(), 5);
    const std::vector<float> whole = Predict(all, batch, inputs);
    const std::vector<float> part = Predict(some, batch, inputs);
    for (std::size_t i = 0; i < static_cast<std::size_t>(batch); ++i) {
      EXPECT_EQ(std::memcmp(&part[i * 5], &whole[i * 13 + 3], 4 * sizeof(float)), 0);
      EXPECT_EQ(std::memcmp(&part[i * 5 + 4], &whole[i * 13 + 12], sizeof(float)), 0);
    }
  });
  const std::string message = MessageOf(ErrorCode::kInvalidArgument, [&] {
    const Predictor predictor(network, {.heads = {"color"}});
  });
  EXPECT_NE(message.find("did you mean 'colour'"), std::string::npos) << message;
}

TEST(Predictor, StaysOnTheCallersThreadIfAsked) {
  NetworkBuilder builder(Shape::Image(3, 24, 24));
  builder.Conv2d("c1", 32, 3).Relu().Dense("d", 200).Head("a", ClassesTask(10));
  const Network network = builder.Build(5);
  SetThreadCount(3);
  const Predictor alone(network, {.threads = 1});
  const Predictor together(network);
  const std::vector<float> inputs = NormalFloats(16 * alone.input_size(), 5);
  ThreadPool::Shared().ResetWidestRun();
  const std::vector<float> outputs = Predict(alone, 16, inputs);
  EXPECT_LE(ThreadPool::Shared().widest_run(), 1);
  const int widest =
      testing::WidestRunOf([&] { EXPECT_TRUE(SameBits(outputs, Predict(together, 16, inputs))); });
  EXPECT_GT(widest, 1);
  SetThreadCount(2);
  for (const int threads : {-1, 257}) {
    MessageOf(ErrorCode::kInvalidArgument,
              [&] { const Predictor predictor(network, {.threads = threads}); });
  }
}

// Two callers, and memory for one: either finds none now and then while the other has it all.
TEST(Predictor, CountsCallsAndFailures) {
  constexpr std::int64_t kBatch = 5000;
  NetworkBuilder builder(Shape::Vector(30));
  builder.Dense("d", 400).Head("a", ClassesTask(3));
  const Network network = builder.Build(1);
  SetThreadCount(1);
  const Predictor predictor(network, {.max_batch_size = 1});
  EXPECT_EQ(predictor.statistics().calls, 0);
  const std::vector<float> inputs = NormalFloats(kBatch * predictor.input_size(), 5);
  const std::int64_t budget = NativeBytesBudget();
  SetNativeBytesBudget(NativeBytes());
  std::atomic<std::int64_t> calls{0};
  std::atomic<std::int64_t> failures{0};
  const auto call = [&] {
    for (int i = 0; (i < 1000 || failures.load() == 0) && failures.load() < 3; ++i) {
      calls.fetch_add(1);
      try {
        Predict(predictor, kBatch, inputs);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
        failures.fetch_add(1);
      }
    }
  };
  std::thread other(call);
  call();
  other.join();
  SetNativeBytesBudget(budget);
  const PredictorStatistics statistics = predictor.statistics();
  EXPECT_GE(failures.load(), 1);
  EXPECT_EQ(statistics.calls, calls.load());
  EXPECT_EQ(statistics.failed_calls, failures.load());
  EXPECT_EQ(statistics.workspaces, 1);
  EXPECT_EQ(statistics.temporary_workspaces, 0);
}

TEST(Predictor, DescribesItself) {
  const Predictor predictor(testing::FusionNetwork());
  const std::string text = predictor.Describe();
  EXPECT_NE(text.find(CpuTarget()), std::string::npos) << text;
  EXPECT_NE(text.find("conv1 + norm1 + relu1: 3 x 3, "), std::string::npos) << text;
  EXPECT_NE(text.find(": product "), std::string::npos) << text;
}

}  // namespace
}  // namespace espalier
