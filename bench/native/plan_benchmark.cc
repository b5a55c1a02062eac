// SPDX-License-Identifier: Apache-2.0

// Whole plans by the public C++ API, without Java: predictions and training steps on the dense
// networks I1 and I2 and the convolutional I3 of docs/benchmarks.md, by batch size and, for steps,
// threads.

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/random.h"
#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "espalier/runtime.h"
#include "espalier/trainer.h"

namespace espalier {
namespace {

enum class Kind { kI1, kI2, kI3 };

constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kLabels = 14;

std::int64_t InputFloats(Kind kind) { return kind == Kind::kI2 ? 103 : 784; }

std::vector<std::string> Names(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back("name" + std::to_string(i));
  return names;
}

Network Build(Kind kind) {
  if (kind == Kind::kI2) {
    NetworkBuilder builder(Shape::Vector(InputFloats(kind)));
    builder.Dense("dense", 256).Relu().Head("output", LabelsTask(Names(kLabels)));
    return builder.Build(1);
  }
  NetworkBuilder builder(kind == Kind::kI3 ? Shape::Image(1, 28, 28)
                                           : Shape::Vector(InputFloats(kind)));
  if (kind == Kind::kI3) {
    builder.Conv2d("conv1", 32, 3).Relu().MaxPool2d(2);
    builder.Conv2d("conv2", 64, 3).Relu().MaxPool2d(2);
    builder.Flatten().Dense("dense", 128).Relu();
  } else {
    builder.Dense("dense1", 256).Relu().Dense("dense2", 128).Relu();
  }
  builder.Head("output", ClassesTask(Names(kClasses)));
  return builder.Build(1);
}

std::vector<float> Inputs(Kind kind, std::int64_t batch) {
  Random random({.seed = 4, .index = 1});
  std::vector<float> inputs(static_cast<std::size_t>(batch * InputFloats(kind)));
  for (float& input : inputs) input = static_cast<float>(random.NextUniform() - 0.5);
  return inputs;
}

void Predict(benchmark::State& state, Kind kind) {
  SetThreadCount(1);
  const std::int64_t batch = state.range(0);
  const Network network = Build(kind);
  const Predictor predictor(network);
  const std::vector<float> inputs = Inputs(kind, batch);
  std::vector<float> outputs(static_cast<std::size_t>(batch * kClasses));
  predictor.Predict(batch, inputs, outputs);
  double sum = 0.0;
  for (const float probability : outputs) sum += probability;
  if (std::abs(sum - static_cast<double>(batch)) > 1e-4 * static_cast<double>(batch)) {
    state.SkipWithError("the probabilities of an example do not add up to 1");
    return;
  }
  for (auto _ : state) {
    predictor.Predict(batch, inputs, outputs);
    benchmark::ClobberMemory();
  }
}

void TrainStep(benchmark::State& state, Kind kind) {
  SetThreadCount(static_cast<int>(state.range(1)));
  const std::int64_t batch = state.range(0);
  Network network = Build(kind);
  Trainer trainer(network, {.optimizer = Adam{.learning_rate = 1e-3}, .max_batch_size = batch});
  const std::vector<float> inputs = Inputs(kind, batch);
  std::vector<std::int32_t> classes(static_cast<std::size_t>(kind == Kind::kI2 ? 0 : batch));
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<int>(i) % kClasses;
  std::vector<float> labels(static_cast<std::size_t>(kind == Kind::kI2 ? batch * kLabels : 0));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = i % 10 < 3 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(i % 2);
  }
  const TaskTargets targets[] = {{.values = labels, .classes = classes}};
  const double first = trainer.Step(batch, inputs, targets).loss;
  for (int step = 0; step < 10; ++step) trainer.Step(batch, inputs, targets);
  if (!(trainer.Step(batch, inputs, targets).loss < first)) {
    state.SkipWithError("the loss does not fall");
    return;
  }
  for (auto _ : state) {
    double loss = trainer.Step(batch, inputs, targets).loss;
    benchmark::DoNotOptimize(loss);
  }
}

BENCHMARK_CAPTURE(Predict, I1, Kind::kI1)->ArgName("batch")->Arg(1)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(Predict, I3, Kind::kI3)->ArgName("batch")->Arg(1)->Arg(8)->Arg(64);
void BatchesAndThreads(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "threads"})->UseRealTime();
  for (const std::int64_t threads : {1, 2}) benchmark->Args({32, threads})->Args({128, threads});
}

BENCHMARK_CAPTURE(TrainStep, I1, Kind::kI1)->Apply(BatchesAndThreads);
BENCHMARK_CAPTURE(TrainStep, I2, Kind::kI2)->Apply(BatchesAndThreads);
BENCHMARK_CAPTURE(TrainStep, I3, Kind::kI3)->Apply(BatchesAndThreads);

}  // namespace
}  // namespace espalier

BENCHMARK_MAIN();
