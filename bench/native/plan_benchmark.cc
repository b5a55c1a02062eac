// SPDX-License-Identifier: Apache-2.0

// Whole plans by the public C++ API, without Java: predictions and training steps on the dense
// network I1 and the convolutional I3 of docs/benchmarks.md, by batch size.

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/random.h"
#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "espalier/runtime.h"
#include "espalier/trainer.h"

namespace espalier {
namespace {

constexpr std::int64_t kInputs = 784;
constexpr std::int64_t kClasses = 10;

Network Build(bool is_convolutional) {
  std::vector<std::string> classes;
  for (std::int64_t i = 0; i < kClasses; ++i) classes.push_back("class" + std::to_string(i));
  NetworkBuilder builder(is_convolutional ? Shape::Image(1, 28, 28) : Shape::Vector(kInputs));
  if (is_convolutional) {
    builder.Conv2d("conv1", 32, 3).Relu().MaxPool2d(2);
    builder.Conv2d("conv2", 64, 3).Relu().MaxPool2d(2);
    builder.Flatten().Dense("dense", 128).Relu();
  } else {
    builder.Dense("dense1", 256).Relu().Dense("dense2", 128).Relu();
  }
  builder.Head("output", ClassesTask(classes));
  return builder.Build(1);
}

std::vector<float> Inputs(std::int64_t batch) {
  Random random({.seed = 4, .index = 1});
  std::vector<float> inputs(static_cast<std::size_t>(batch * kInputs));
  for (float& input : inputs) input = static_cast<float>(random.NextUniform() - 0.5);
  return inputs;
}

void Predict(benchmark::State& state, bool is_convolutional) {
  SetThreadCount(1);
  const std::int64_t batch = state.range(0);
  const Network network = Build(is_convolutional);
  const Predictor predictor(network);
  const std::vector<float> inputs = Inputs(batch);
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

void TrainStep(benchmark::State& state, bool is_convolutional) {
  SetThreadCount(1);
  const std::int64_t batch = state.range(0);
  Network network = Build(is_convolutional);
  Trainer trainer(network, {.optimizer = Adam{.learning_rate = 1e-3}, .max_batch_size = batch});
  const std::vector<float> inputs = Inputs(batch);
  std::vector<std::int32_t> classes(static_cast<std::size_t>(batch));
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<int>(i) % kClasses;
  const TaskTargets targets[] = {{.classes = classes}};
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

BENCHMARK_CAPTURE(Predict, I1, false)->ArgName("batch")->Arg(1)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(Predict, I3, true)->ArgName("batch")->Arg(1)->Arg(8)->Arg(64);
BENCHMARK_CAPTURE(TrainStep, I1, false)->ArgName("batch")->Arg(32)->Arg(128);
BENCHMARK_CAPTURE(TrainStep, I3, true)->ArgName("batch")->Arg(32)->Arg(128);

}  // namespace
}  // namespace espalier

BENCHMARK_MAIN();
