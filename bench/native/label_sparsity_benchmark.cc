// SPDX-License-Identifier: Apache-2.0

// One training step of a wide head as fewer and fewer entries are labelled: 512 features,
// 1,024 labels, batch 256, Adam, the gradient by the features included (a trainable layer
// norm lies below). Counter "of_all": the time over that of all entries labelled.
//
//   label_sparsity_benchmark [--benchmark_filter=…]

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/random.h"
#include "espalier/builder.h"
#include "espalier/runtime.h"
#include "espalier/trainer.h"

namespace espalier {
namespace {

constexpr std::int64_t kFeatures = 512;
constexpr std::int64_t kLabels = 1024;
constexpr std::int64_t kBatch = 256;
constexpr int kBatches = 8;

Network WideHead() {
  std::vector<std::string> labels;
  for (std::int64_t i = 0; i < kLabels; ++i) labels.push_back("label" + std::to_string(i));
  NetworkBuilder builder(Shape::Vector(kFeatures));
  builder.Layer({.name = "norm", .kind = "layer_norm"}).Head("findings", LabelsTask(labels));
  return builder.Build(1);
}

std::vector<float> Targets(double labelled, std::uint32_t stream) {
  Random random({.seed = 5, .index = stream});
  std::vector<float> targets(static_cast<std::size_t>(kBatch * kLabels),
                             std::numeric_limits<float>::quiet_NaN());
  for (float& target : targets) {
    const bool is_labelled = random.NextUniform() < labelled;
    const float answer = random.NextUniform() < 0.5 ? 1.0f : 0.0f;
    if (is_labelled) target = answer;
  }
  return targets;
}

double all_labelled_seconds = 0.0;  // of the case that runs first

void Step(benchmark::State& state) {
  const double labelled = static_cast<double>(state.range(0)) / 1000.0;
  Network network = WideHead();
  Trainer trainer(network, {.optimizer = Adam{.learning_rate = 1e-3}, .max_batch_size = kBatch});
  Random random({.seed = 4, .index = 1});
  std::vector<float> inputs(static_cast<std::size_t>(kBatch * kFeatures));
  for (float& input : inputs) input = static_cast<float>(random.NextNormal());
  std::vector<std::vector<float>> targets;
  for (int i = 0; i < kBatches; ++i) targets.push_back(Targets(labelled, 10u + i));

  std::size_t step = 0;
  double seconds = 0.0;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    const TaskTargets of_head[] = {{.values = targets[step++ % targets.size()]}};
    double loss = trainer.Step(kBatch, inputs, of_head).loss;
    benchmark::DoNotOptimize(loss);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    seconds += taken.count();
    state.SetIterationTime(taken.count());
  }
  seconds /= static_cast<double>(state.iterations());
  if (state.range(0) == 1000) all_labelled_seconds = seconds;
  if (all_labelled_seconds > 0.0) state.counters["of_all"] = seconds / all_labelled_seconds;
}

BENCHMARK(Step)
    ->ArgName("per_mille_labelled")
    ->Arg(1000)
    ->Arg(300)
    ->Arg(100)
    ->Arg(30)
    ->Arg(10)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace espalier
