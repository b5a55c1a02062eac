// SPDX-License-Identifier: Apache-2.0

// Kernels that go through their data once: activations, softmax, losses, optimizer updates.
// "bytes_per_second" counts what has to be read and written once; compare it with
// machine_benchmark's bandwidth of the cache that the arrays lie in. Each result is checked
// before it is timed.

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "core/memory.h"
#include "core/random.h"
#include "kernels/activation.h"
#include "kernels/elementwise.h"
#include "kernels/entry_loss.h"
#include "kernels/optimizer_update.h"
#include "kernels/softmax.h"

namespace espalier {
namespace {

constexpr std::int64_t kColumns = 256;

AlignedArray<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  Random random({.seed = 3, .index = stream});
  AlignedArray<float> values(size);
  for (float& value : values.span()) value = static_cast<float>(random.NextNormal());
  return values;
}

void Time(benchmark::State& state, double bytes, bool is_right, const std::function<void()>& run) {
  if (!is_right) {
    state.SkipWithError("the result is wrong");
    return;
  }
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

bool IsNear(double actual, double expected) {
  return std::abs(actual - expected) <= 1e-5 * (1.0 + std::abs(expected));
}

void Activate(benchmark::State& state, Activation activation, double (*formula)(double)) {
  const std::int64_t count = state.range(0);
  const AlignedArray<float> x = RandomFloats(count, 1);
  AlignedArray<float> y(count);
  const auto run = [&] { ActivationForward(activation, 0.01f, x.data(), count, y.data()); };
  run();
  Time(state, 8.0 * static_cast<double>(count), IsNear(y[count / 3], formula(x[count / 3])), run);
}

void Add(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  const AlignedArray<float> a = RandomFloats(count, 1), b = RandomFloats(count, 2);
  AlignedArray<float> y(count);
  const auto run = [&] { AddArrays(a.data(), b.data(), count, y.data()); };
  run();
  Time(state, 12.0 * static_cast<double>(count), IsNear(y[7], double{a[7]} + b[7]), run);
}

void SoftmaxRows(benchmark::State& state) {
  const std::int64_t count = state.range(0), rows = count / kColumns;
  const AlignedArray<float> x = RandomFloats(count, 1);
  AlignedArray<float> y(count);
  const auto run = [&] { Softmax(x.data(), rows, kColumns, kColumns, kColumns, y.data()); };
  run();
  double sum = 0.0;
  for (std::int64_t j = 0; j < kColumns; ++j) sum += std::exp(double{x[j]});
  Time(state, 8.0 * static_cast<double>(count), IsNear(y[5], std::exp(double{x[5]}) / sum), run);
}

void LogisticLoss(benchmark::State& state) {
  const std::int64_t count = state.range(0), rows = count / kColumns;
  const AlignedArray<float> logits = RandomFloats(count, 1);
  AlignedArray<float> targets = RandomFloats(count, 2), gradients(count);
  for (std::int64_t i = 0; i < count; ++i) {
    const float answer = targets[i] > 0.0f ? 1.0f : 0.0f;
    targets[i] = i % 3 == 1 ? std::numeric_limits<float>::quiet_NaN() : answer;
  }
  EntryColumns columns;
  for (std::int64_t j = 0; j < kColumns; ++j) {
    columns.positive_weights[j] = columns.gradient_scales[j] = 1.0f;
  }
  const EntryBlock block{.rows = rows,
                         .columns = kColumns,
                         .logits = logits.data(),
                         .grad_logits = gradients.data(),
                         .logits_stride = kColumns,
                         .targets = targets.data(),
                         .targets_stride = kColumns};
  const auto run = [&] { ComputeEntryLoss({}, block, columns); };
  run();
  const double expected = 1.0 / (1.0 + std::exp(-double{logits[6]})) - targets[6];
  Time(state, 12.0 * static_cast<double>(count),
       IsNear(gradients[6], expected) && gradients[7] == 0.0f, run);
}

void AdamStep(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  AlignedArray<float> values = RandomFloats(count, 1);
  const AlignedArray<float> gradients = RandomFloats(count, 2);
  AlignedArray<float> moment1(count), moment2(count);
  const AdamTerms terms{.rate = 1e-3f,
                        .beta1 = 0.9f,
                        .rest1 = 0.1f,
                        .beta2 = 0.999f,
                        .rest2 = 0.001f,
                        .epsilon = 1e-8f};
  const UpdateArrays arrays{.values = values.data(),
                            .gradients = gradients.data(),
                            .moment1 = moment1.data(),
                            .moment2 = moment2.data(),
                            .count = count};
  const GradientTerms unclipped{.limit = std::numeric_limits<float>::infinity()};
  const double before = values[9];
  const auto run = [&] { AdamUpdate(arrays, unclipped, terms); };
  run();
  const double root = std::sqrt(0.001) * std::abs(double{gradients[9]});
  const double expected = before - 1e-3 * 0.1 * gradients[9] / (root + 1e-8);
  Time(state, 28.0 * static_cast<double>(count), IsNear(values[9], expected), run);
}

double Relu(double x) { return x > 0.0 ? x : 0.0; }
double Gelu(double x) { return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0))); }
double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double Tanh(double x) { return std::tanh(x); }

// In L1, in L2 and in memory.
#define ESPALIER_SIZES Arg(1 << 11)->Arg(1 << 15)->Arg(1 << 24)
BENCHMARK_CAPTURE(Activate, relu, Activation::kRelu, Relu)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(Activate, gelu, Activation::kGelu, Gelu)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(Activate, sigmoid, Activation::kSigmoid, Sigmoid)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(Activate, tanh, Activation::kTanh, Tanh)->ESPALIER_SIZES;
BENCHMARK(Add)->ESPALIER_SIZES;
BENCHMARK(SoftmaxRows)->ESPALIER_SIZES;
BENCHMARK(LogisticLoss)->ESPALIER_SIZES;
BENCHMARK(AdamStep)->ESPALIER_SIZES;

}  // namespace
}  // namespace espalier

BENCHMARK_MAIN();
