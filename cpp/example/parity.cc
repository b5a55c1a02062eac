// SPDX-License-Identifier: Apache-2.0

// Trains, freezes, trains on and predicts with made-up data, and prints a hash of every bit of
// the outcome. ParityTest.java does the same work through the Java API and compares.

#include <bit>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <span>
#include <vector>

#include "espalier/builder.h"
#include "espalier/network.h"
#include "espalier/predictor.h"
#include "espalier/runtime.h"
#include "espalier/trainer.h"

namespace {

constexpr std::int64_t kExamples = 48;
constexpr std::int64_t kBatch = 16;
constexpr std::int64_t kPixels = 64;

// Knuth's MMIX generator; 24 bits become an exact float in [0, 1).
class Numbers {
 public:
  float Next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(state_ >> 40) * 0x1p-24f;
  }

 private:
  std::uint64_t state_ = 2026;
};

struct Data {
  std::vector<float> inputs;
  std::vector<std::int32_t> kinds;
  std::vector<float> sides;
};

Data MakeData() {
  Numbers numbers;
  Data data;
  for (std::int64_t i = 0; i < kExamples; ++i) {
    for (std::int64_t p = 0; p < kPixels; ++p) data.inputs.push_back(numbers.Next());
    const float kind = numbers.Next();
    data.kinds.push_back(kind < 0.2f ? -1 : static_cast<std::int32_t>(kind * 4));
    for (int side = 0; side < 2; ++side) {
      const float answer = numbers.Next();
      const float unlabelled = std::numeric_limits<float>::quiet_NaN();
      data.sides.push_back(answer < 0.3f ? unlabelled : (answer < 0.6f ? 0.0f : 1.0f));
    }
  }
  return data;
}

void Train(espalier::Network& network, const espalier::TrainerConfig& config, int epochs,
           const Data& data) {
  espalier::Trainer trainer(network, config);
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (std::int64_t first = 0; first < kExamples; first += kBatch) {
      const auto inputs = std::span(data.inputs).subspan(first * kPixels, kBatch * kPixels);
      std::vector<espalier::TaskTargets> targets(2);
      targets[0].classes = std::span(data.kinds).subspan(first, kBatch);
      targets[1].values = std::span(data.sides).subspan(first * 2, kBatch * 2);
      trainer.Step(kBatch, inputs, targets);
    }
  }
}

class Hash {
 public:
  void Add(std::span<const float> values) {
    for (const float value : values) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      for (int shift = 0; shift < 32; shift += 8) {
        hash_ = (hash_ ^ ((bits >> shift) & 0xff)) * 1099511628211u;
      }
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 14695981039346656037u;  // FNV-1a
};

std::uint64_t Run() {
  const Data data = MakeData();
  espalier::Network network = espalier::NetworkBuilder(espalier::Shape::Image(1, 8, 8))
                                  .Normalize({0.5}, {0.25})
                                  .Conv2d("conv1", 4, 3)
                                  .BatchNorm()
                                  .Relu()
                                  .MaxPool2d(2)
                                  .Dropout(0.25)
                                  .Dense("features", 16)
                                  .Relu()
                                  .Head("kind", espalier::ClassesTask(4))
                                  .Head("side", espalier::LabelsTask({"a", "b"}))
                                  .Build(11);

  espalier::TrainerConfig first;
  first.optimizer = espalier::AdamW{.learning_rate = 0.01};
  first.schedule = {.kind = espalier::ScheduleKind::kCosine, .total_steps = 9};
  first.max_batch_size = kBatch;
  first.seed = 5;
  first.clip_norm = 1.0;
  Train(network, first, 3, data);

  network.Freeze({.pattern = "features", .through = true});
  espalier::TrainerConfig second;
  second.optimizer = espalier::Sgd{.learning_rate = 0.05, .momentum = 0.9, .nesterov = true};
  second.max_batch_size = kBatch;
  Train(network, second, 2, data);

  network.Unfreeze({.pattern = "features", .through = true});
  espalier::TrainerConfig third;
  third.optimizer = espalier::Adam{.learning_rate = 0.01};
  third.schedule = {.kind = espalier::ScheduleKind::kStep, .step_size = 2, .decay = 0.5};
  third.max_batch_size = kBatch;
  Train(network, third, 1, data);

  espalier::TrainerConfig fourth;
  fourth.optimizer = espalier::RmsProp{.learning_rate = 0.001};
  fourth.schedule = {.kind = espalier::ScheduleKind::kExponential, .decay = 0.9, .warmup_steps = 2};
  fourth.max_batch_size = kBatch;
  fourth.layer_decay = 0.5;
  Train(network, fourth, 1, data);

  Hash hash;
  for (const espalier::ParameterDescription& parameter : network.Parameters()) {
    hash.Add(network.ReadParameter(parameter.path));
  }
  const espalier::Predictor predictor(network);
  std::vector<float> outputs(static_cast<std::size_t>(kExamples * predictor.output_size()));
  predictor.Predict(kExamples, data.inputs, outputs);
  hash.Add(outputs);
  return hash.value();
}

}  // namespace

int main() {
  try {
    const std::uint64_t hash = Run();
    std::printf("%s %016llx\n", espalier::CpuTarget().c_str(),
                static_cast<unsigned long long>(hash));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
