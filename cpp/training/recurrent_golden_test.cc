// SPDX-License-Identifier: Apache-2.0

// GRU and LSTM against PyTorch in float64: see cpp/testdata/recurrent_golden.py.

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/predictor.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/cpu_targets.h"
#include "testing/golden_file.h"
#include "testing/layer_spec.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::RelativeNorm;
using testing::Spec;

constexpr std::int64_t kBatch = 5;
constexpr std::int64_t kHidden = 9;
constexpr double kTolerance = 1e-5;
const Shape kTokens = {6, 7};

const testing::GoldenFile& Golden() {
  static const testing::GoldenFile golden("recurrent_golden");
  return golden;
}

Network OneWay(const std::string& kind) {
  return NetworkBuilder(kTokens)
      .Layer(Spec(kind, {{"hidden", kHidden}}, "layer1"))
      .Layer(Spec("token_pool", Attributes(), "features"))
      .Head("answer", LabelsTask({"a", "b", "c"}))
      .Build(1);
}

Network BothWays(const std::string& kind) {
  return NetworkBuilder({{.name = "input", .shape = kTokens},
                         {.name = "lengths", .shape = Shape{1}, .type = ElementType::kInt32}})
      .Layer(Spec(kind, {{"hidden", kHidden}, {"bidirectional", true}}, "layer1",
                  {"input", "lengths"}))
      .Layer(Spec(kind, {{"hidden", kHidden}, {"bidirectional", true}, {"return_sequence", false}},
                  "layer2", {"layer1", "lengths"}))
      .Head("answer", LabelsTask({"a", "b", "c"}))
      .Build(1);
}

// A network with the parameters of the file, and its inputs there.
struct Example {
  explicit Example(const std::string& name_in)
      : name(name_in),
        network(name.ends_with("one_way") ? OneWay(name.substr(0, name.find('_')))
                                          : BothWays(name.substr(0, name.find('_')))) {
    for (const ParameterDescription& parameter : network.Parameters()) {
      network.WriteParameter(parameter.path, Golden().Values(name + "/initial/" + parameter.path));
    }
    data.emplace_back(Golden().Values(name + "/inputs/input"));
    if (name.ends_with("one_way")) return;
    const auto values = Golden().Values(name + "/inputs/lengths");
    lengths.assign(values.begin(), values.end());
    data.emplace_back(std::span<const std::int32_t>(lengths));
  }

  std::string name;
  Network network;
  std::vector<std::int32_t> lengths;
  std::vector<InputData> data;
};

class RecurrentGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(RecurrentGolden, AnswersAsPyTorch) {
  const Example example(GetParam());
  testing::ForEachCpuTarget([&] {
    const Predictor predictor(example.network, {.max_batch_size = kBatch});
    std::vector<float> probabilities(kBatch * 3);
    predictor.Predict(kBatch, Inputs(std::span<const InputData>(example.data)), probabilities);
    std::vector<double> expected;
    for (const float logit : Golden().Values(example.name + "/logits")) {
      expected.push_back(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
    }
    EXPECT_LE(RelativeNorm(probabilities, expected), kTolerance);
  });
}

// The gradient is what a step subtracts; the larger its rate, the less rounding shows.
TEST_P(RecurrentGolden, GradientsAsPyTorch) {
  testing::ForEachCpuTarget([] {
    Example example(GetParam());
    Network& network = example.network;
    const std::string& name = example.name;
    Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 64.0}, .max_batch_size = kBatch});
    const std::vector<TaskTargets> targets = {{.values = Golden().Values(name + "/targets")}};
    const StepResult& result =
        trainer.Step(kBatch, Inputs(std::span<const InputData>(example.data)), targets);
    EXPECT_NEAR(result.loss, static_cast<double>(Golden().Values(name + "/loss")[0]), 1e-5);
    for (const ParameterDescription& parameter : network.Parameters()) {
      const auto before = Golden().Values(name + "/initial/" + parameter.path);
      std::vector<float> gradient = network.ReadParameter(parameter.path);
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        gradient[i] = (before[i] - gradient[i]) / 64.0f;
      }
      EXPECT_LE(RelativeNorm(gradient, Golden().Values(name + "/gradient/" + parameter.path)),
                kTolerance)
          << parameter.path;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Networks, RecurrentGolden,
                         ::testing::Values("gru_one_way", "gru_both_ways", "lstm_one_way",
                                           "lstm_both_ways"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace espalier
