// SPDX-License-Identifier: Apache-2.0

// Whole plans by the public C++ API, without Java: predictions and training steps on the
// networks I1 to I4 of docs/benchmarks.md, by batch size and, for steps, threads. From pixels of
// a byte each MobileNetV2 (I5m) too.

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "checks.h"
#include "core/random.h"
#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "espalier/runtime.h"
#include "espalier/trainer.h"
#include "testing/known_networks.h"

namespace espalier {
namespace {

struct Workload {
  Network network;
  std::int64_t inputs, outputs;
  bool has_classes;  ///< else labels, three of ten unknown in training
};

std::vector<std::string> Names(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back("name" + std::to_string(i));
  return names;
}

Workload I1() {
  NetworkBuilder builder(Shape::Vector(784));
  builder.Dense("dense1", 256).Relu().Dense("dense2", 128).Relu();
  builder.Head("output", ClassesTask(Names(10)));
  return {builder.Build(1), 784, 10, true};
}

Workload I2() {
  NetworkBuilder builder(Shape::Vector(103));
  builder.Dense("dense1", 256).Relu().Head("output", LabelsTask(Names(14)));
  return {builder.Build(1), 103, 14, false};
}

Workload I3() {
  NetworkBuilder builder(Shape::Image(1, 28, 28));
  builder.Conv2d("conv1", 32, 3).Relu().MaxPool2d(2);
  builder.Conv2d("conv2", 64, 3).Relu().MaxPool2d(2);
  builder.Flatten().Dense("dense", 128).Relu().Head("output", ClassesTask(Names(10)));
  return {builder.Build(1), 28 * 28, 10, true};
}

Workload I4() {
  NetworkBuilder builder(Shape::Image(3, 32, 32));
  for (const std::int64_t channels : {64, 128, 256}) {
    const std::string name = "conv" + std::to_string(channels);
    builder.Conv2d(name + "a", channels, 3).Relu();
    builder.Conv2d(name + "b", channels, 3).Relu().MaxPool2d(2);
  }
  builder.Flatten().Dense("dense", 256).Relu().Head("output", ClassesTask(Names(10)));
  return {builder.Build(1), 3 * 32 * 32, 10, true};
}

Workload I5m() {
  return {Network::Build(testing::MobileNetV2(Shape::Image(3, 224, 224), 1000), 1), 3 * 224 * 224,
          1000, true};
}

std::vector<float> Inputs(std::int64_t count) {
  Random random({.seed = 4, .index = 1});
  std::vector<float> inputs(static_cast<std::size_t>(count));
  for (float& input : inputs) input = static_cast<float>(random.NextUniform() - 0.5);
  return inputs;
}

void Predict(benchmark::State& state, Workload (*make)()) {
  SetThreadCount(1);
  const std::int64_t batch = state.range(0);
  const Workload workload = make();
  const Predictor predictor(workload.network);
  const std::vector<float> inputs = Inputs(batch * workload.inputs);
  std::vector<float> outputs(static_cast<std::size_t>(batch * workload.outputs));
  predictor.Predict(batch, inputs, outputs);
  double sum = 0.0;
  bool are_probabilities = true;
  for (const float probability : outputs) {
    sum += probability;
    are_probabilities = are_probabilities && probability >= 0.0f && probability <= 1.0f;
  }
  Require(are_probabilities, "an output is not a probability");
  const double rows = static_cast<double>(batch);
  Require(!workload.has_classes || std::abs(sum - rows) <= 1e-4 * rows,
          "the probabilities of an example do not add up to 1");
  for (auto _ : state) {
    predictor.Predict(batch, inputs, outputs);
    benchmark::ClobberMemory();
  }
}

void PredictPixels(benchmark::State& state, Workload (*make)()) {
  SetThreadCount(1);
  const std::int64_t batch = state.range(0);
  const Workload workload = make();
  const Predictor predictor(workload.network);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(batch * workload.inputs));
  std::vector<float> inputs(pixels.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i * 37 + i / 251);
    inputs[i] = static_cast<float>(pixels[i]) * (1.0f / 255.0f);
  }
  std::vector<float> outputs(static_cast<std::size_t>(batch * workload.outputs));
  std::vector<float> expected(outputs.size());
  predictor.Predict(batch, inputs, expected);
  predictor.PredictPixels(batch, pixels, outputs);
  Require(outputs == expected, "pixels and their floats give different outputs");
  for (auto _ : state) {
    predictor.PredictPixels(batch, pixels, outputs);
    benchmark::ClobberMemory();
  }
  state.counters["native_bytes"] = static_cast<double>(predictor.NativeBytes());
}

void TrainStep(benchmark::State& state, Workload (*make)()) {
  SetThreadCount(static_cast<int>(state.range(1)));
  const std::int64_t batch = state.range(0);
  Workload workload = make();
  Trainer trainer(workload.network,
                  {.optimizer = Adam{.learning_rate = 1e-3}, .max_batch_size = batch});
  const std::vector<float> inputs = Inputs(batch * workload.inputs);
  std::vector<std::int32_t> classes;
  std::vector<float> labels;
  for (std::int64_t i = 0; i < batch; ++i) classes.push_back(static_cast<int>(i % 10));
  for (std::int64_t i = 0; i < batch * workload.outputs; ++i) {
    labels.push_back(i * 7 % 10 < 3 ? std::numeric_limits<float>::quiet_NaN()
                                    : static_cast<float>(i % 2));
  }
  const TaskTargets targets[] = {workload.has_classes ? TaskTargets{.classes = classes}
                                                      : TaskTargets{.values = labels}};
  const double first = trainer.Step(batch, inputs, targets).loss;
  for (int step = 0; step < 10; ++step) trainer.Step(batch, inputs, targets);
  Require(trainer.Step(batch, inputs, targets).loss < first, "the loss does not fall");
  for (auto _ : state) {
    double loss = trainer.Step(batch, inputs, targets).loss;
    benchmark::DoNotOptimize(loss);
  }
}

#define ESPALIER_PIXELS(name) \
  BENCHMARK_CAPTURE(PredictPixels, name, name)->ArgName("batch")->Arg(1)->Arg(64)
ESPALIER_PIXELS(I1);
ESPALIER_PIXELS(I3);
ESPALIER_PIXELS(I4);
ESPALIER_PIXELS(I5m);

#define ESPALIER_WORKLOAD(name)                                                      \
  BENCHMARK_CAPTURE(Predict, name, name)->ArgName("batch")->Arg(1)->Arg(8)->Arg(64); \
  BENCHMARK_CAPTURE(TrainStep, name, name)                                           \
      ->ArgNames({"batch", "threads"})                                               \
      ->ArgsProduct({{32, 128}, {1, 2}})                                             \
      ->UseRealTime()
ESPALIER_WORKLOAD(I1);
ESPALIER_WORKLOAD(I2);
ESPALIER_WORKLOAD(I3);
ESPALIER_WORKLOAD(I4);

}  // namespace
}  // namespace espalier

BENCHMARK_MAIN();
