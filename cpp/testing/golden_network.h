// SPDX-License-Identifier: Apache-2.0
#pragma once

// Networks of labels against PyTorch in float64. Of a network NAME a golden file holds
// NAME/initial/PATH and NAME/gradient/PATH of each parameter, NAME/targets, NAME/logits and
// NAME/loss, the sum over entries by the batch.

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/network.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/golden_file.h"
#include "testing/tolerance.h"

namespace espalier::testing {

inline constexpr double kGoldenTolerance = 1e-5;

/// A network of a golden file, and what it reads there.
struct GoldenExample {
  std::string name;
  const GoldenFile& file;
  Network& network;
  std::int64_t batch;
  std::span<const InputData> data;
};

inline void WriteGoldenParameters(const std::string& name, const GoldenFile& file,
                                  Network& network) {
  for (const ParameterDescription& parameter : network.Parameters()) {
    network.WriteParameter(parameter.path, file.Values(name + "/initial/" + parameter.path));
  }
}

inline void ExpectGoldenAnswers(const GoldenExample& example) {
  const Predictor predictor(example.network, {.max_batch_size = example.batch});
  std::vector<double> expected;
  for (const float logit : example.file.Values(example.name + "/logits")) {
    expected.push_back(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
  }
  std::vector<float> probabilities(expected.size());
  predictor.Predict(example.batch, Inputs(example.data), probabilities);
  EXPECT_LE(RelativeNorm(probabilities, expected), kGoldenTolerance);
}

/// Changes the network. The gradient is what a step subtracts; the larger its rate, the less
/// rounding shows.
inline void ExpectGoldenGradients(const GoldenExample& example) {
  const auto golden = [&](const std::string& what) {
    return example.file.Values(example.name + "/" + what);
  };
  Trainer trainer(example.network,
                  {.optimizer = Sgd{.learning_rate = 64.0}, .max_batch_size = example.batch});
  const std::vector<TaskTargets> targets = {{.values = golden("targets")}};
  const StepResult& result = trainer.Step(example.batch, Inputs(example.data), targets);
  EXPECT_NEAR(result.loss, static_cast<double>(golden("loss")[0]), 1e-5);
  double squares = 0.0;
  for (const ParameterDescription& parameter : example.network.Parameters()) {
    const auto expected = golden("gradient/" + parameter.path);
    for (const float value : expected) {
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const auto before = golden("initial/" + parameter.path);
    std::vector<float> gradient = example.network.ReadParameter(parameter.path);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] = (before[i] - gradient[i]) / 64.0f;
    }
    EXPECT_LE(RelativeNorm(gradient, expected), kGoldenTolerance) << parameter.path;
  }
  EXPECT_NEAR(result.gradient_norm, std::sqrt(squares), 1e-5 * std::sqrt(squares));
}

}  // namespace espalier::testing
