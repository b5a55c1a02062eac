// SPDX-License-Identifier: Apache-2.0

// Kernels that go through their data once: activations, softmax, losses, optimizer updates.
// Counter "gbps" is what has to be read and written once, "level" the cache that all arrays fit in
// (4: memory), whose bandwidth in machine_benchmark it compares with; that is of reading alone,
// and what is written to memory is read from there before. Each result is checked before it is
// timed.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <limits>
#include <string>

#include "checks.h"
#include "core/memory.h"
#include "core/random.h"
#include "espalier/optimizer.h"
#include "kernels/elementwise/activation.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/optimizers/update_rule.h"
#include "kernels/training/entry_loss.h"
#include "kernels/attention/softmax.h"
#include "machine_limits.h"

namespace espalier {
namespace {

constexpr std::int64_t kColumns = 256;

AlignedArray<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  Random random({.seed = 3, .index = stream});
  AlignedArray<float> values(size);
  for (float& value : values.span()) value = static_cast<float>(random.NextNormal());
  return values;
}

int LevelOf(double bytes) {
  int level = 1;
  while (level < 4 && bytes > 1024.0 * CacheKib(level)) ++level;
  return level;
}

// `read` and `written` arrays of `count` floats lie in `arrays` of them.
struct Traffic {
  int arrays, read, written;
  std::int64_t count;
};

void Time(benchmark::State& state, const Traffic& traffic, bool is_right,
          const std::function<void()>& run) {
  Require(is_right, "the result is wrong");
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  const double array_bytes = 4.0 * static_cast<double>(traffic.count);
  state.counters["level"] = LevelOf(traffic.arrays * array_bytes);
  state.counters["gbps"] =
      benchmark::Counter(1e-9 * (traffic.read + traffic.written) * array_bytes *
                             static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
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
  Time(state, {2, 1, 1, count}, IsNear(y[count / 3], formula(x[count / 3])), run);
}

void Add(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  const AlignedArray<float> a = RandomFloats(count, 1), b = RandomFloats(count, 2);
  AlignedArray<float> y(count);
  const auto run = [&] { AddArrays(a.data(), b.data(), count, y.data()); };
  run();
  Time(state, {3, 2, 1, count}, IsNear(y[7], double{a[7]} + b[7]), run);
}

void SoftmaxRows(benchmark::State& state) {
  const std::int64_t count = state.range(0), rows = count / kColumns;
  const AlignedArray<float> x = RandomFloats(count, 1);
  AlignedArray<float> y(count);
  const auto run = [&] { Softmax(x.data(), rows, kColumns, kColumns, kColumns, y.data()); };
  run();
  double sum = 0.0;
  for (std::int64_t j = 0; j < kColumns; ++j) sum += std::exp(double{x[j]});
  Time(state, {2, 1, 1, count}, IsNear(y[5], std::exp(double{x[5]}) / sum), run);
}

double LogisticGradient(double z, double y) { return 1.0 / (1.0 + std::exp(-z)) - y; }
double FocalGradient(double z, double y) {
  const double p = 1.0 / (1.0 + std::exp(-z));
  return y > 0.5 ? 0.25 * (1.0 - p) * (1.0 - p) * (2.0 * p * std::log(p) - (1.0 - p))
                 : 0.75 * p * p * (p - 2.0 * (1.0 - p) * std::log1p(-p));
}
double SquaredGradient(double z, double y) { return 2.0 * (z - y); }
double HuberGradient(double z, double y) { return std::clamp(z - y, -1.0, 1.0); }

constexpr EntryLossSettings kLogistic{};
constexpr EntryLossSettings kFocal{
    .kind = EntryLoss::kFocal, .gamma = 2.0f, .positive_alpha = 0.25f, .negative_alpha = 0.75f};
constexpr EntryLossSettings kSquared{.kind = EntryLoss::kSquared};
constexpr EntryLossSettings kHuber{.kind = EntryLoss::kHuber};

// A third of the entries is unlabelled.
void Loss(benchmark::State& state, const EntryLossSettings& settings,
          double (*gradient)(double, double)) {
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
  const auto run = [&] { ComputeEntryLoss(settings, block, columns); };
  run();
  bool is_right = gradients[7] == 0.0f;
  for (const int i : {2, 3, 5, 6, 8, 9}) {
    is_right = is_right && IsNear(gradients[i], gradient(logits[i], targets[i]));
  }
  Time(state, {3, 2, 1, count}, is_right, run);
}

void CrossEntropy(benchmark::State& state) {
  const std::int64_t count = state.range(0), rows = count / kColumns;
  const AlignedArray<float> logits = RandomFloats(count, 1);
  AlignedArray<float> gradients(count);
  double loss = 0.0;
  const auto run = [&] {
    for (std::int64_t i = 0; i < rows; ++i) {
      loss = SoftmaxCrossEntropy({.logits = logits.data() + i * kColumns,
                                  .grad_logits = gradients.data() + i * kColumns,
                                  .columns = kColumns,
                                  .target = i % kColumns,
                                  .class_weight_sum = kColumns});
    }
  };
  run();
  double sum = 0.0;
  for (std::int64_t j = 0; j < kColumns; ++j) sum += std::exp(double{logits[j]});
  const double of_target = std::exp(double{logits[0]}) / sum - 1.0;
  const double of_other = std::exp(double{logits[5]}) / sum;
  Time(state, {2, 1, 1, count},
       IsNear(gradients[0], of_target) && IsNear(gradients[5], of_other) && loss > 0.0, run);
}

struct Parameters {
  explicit Parameters(std::int64_t count)
      : values(RandomFloats(count, 1)),
        gradients(RandomFloats(count, 2)),
        moment1(count),
        moment2(count),
        arrays{.values = values.data(),
               .gradients = gradients.data(),
               .state = {moment1.data(), moment2.data()},
               .count = count},
        before(values[kSample]),
        gradient(gradients[kSample]) {}

  // After one step from moments of zero.
  bool HasMovedBy(double step) const { return IsNear(values[kSample], before - step); }

  static constexpr std::int64_t kSample = 9;
  AlignedArray<float> values, gradients, moment1, moment2;
  UpdateArrays arrays;
  double before, gradient;
};

constexpr double kRate = 1e-3;

// A first step that is to move the sample by `step`.
template <typename Config>
void TimeUpdate(benchmark::State& state, Parameters& parameters, const Config& config, double step,
                const Traffic& traffic) {
  const std::shared_ptr<const UpdateRule> rule = config.Rule();
  const UpdateTerms terms =
      rule->Prepare({.learning_rate = kRate, .weight_decay = config.weight_decay});
  const auto run = [&] { rule->Run(terms, parameters.arrays); };
  run();
  Time(state, traffic, parameters.HasMovedBy(step), run);
}

void SgdStep(benchmark::State& state, double momentum, bool is_nesterov) {
  Parameters parameters(state.range(0));
  const Traffic plain{2, 2, 1, state.range(0)}, with_moment{3, 3, 2, state.range(0)};
  TimeUpdate(state, parameters, Sgd{.momentum = momentum, .nesterov = is_nesterov},
             kRate * parameters.gradient * (is_nesterov ? 1.0 + momentum : 1.0),
             momentum == 0.0 ? plain : with_moment);
}

void AdamStep(benchmark::State& state, double decay) {
  Parameters parameters(state.range(0));
  const double size = std::abs(parameters.gradient);
  TimeUpdate(state, parameters, AdamW{.weight_decay = decay},
             kRate * decay * parameters.before + kRate * parameters.gradient / (size + 1e-8),
             {4, 4, 3, state.range(0)});
}

void RmsPropStep(benchmark::State& state) {
  Parameters parameters(state.range(0));
  const double root = std::sqrt(0.01) * std::abs(parameters.gradient);
  TimeUpdate(state, parameters, RmsProp{}, kRate * parameters.gradient / (root + 1e-8),
             {3, 3, 2, state.range(0)});
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
BENCHMARK_CAPTURE(Loss, logistic, kLogistic, LogisticGradient)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(Loss, focal, kFocal, FocalGradient)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(Loss, squared, kSquared, SquaredGradient)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(Loss, huber, kHuber, HuberGradient)->ESPALIER_SIZES;
BENCHMARK(CrossEntropy)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(SgdStep, plain, 0.0, false)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(SgdStep, momentum, 0.9, false)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(SgdStep, nesterov, 0.9, true)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(AdamStep, adam, 0.0)->ESPALIER_SIZES;
BENCHMARK_CAPTURE(AdamStep, adamw, 0.01)->ESPALIER_SIZES;
BENCHMARK(RmsPropStep)->ESPALIER_SIZES;

}  // namespace
}  // namespace espalier

BENCHMARK_MAIN();
