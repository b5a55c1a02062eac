// SPDX-License-Identifier: Apache-2.0

// Transformers against PyTorch in float64: see cpp/testdata/transformer_golden.py.

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
constexpr double kTolerance = 1e-5;

const testing::GoldenFile& Golden() {
  static const testing::GoldenFile golden("transformer_golden");
  return golden;
}

Network Encoder() {
  const auto embedding = [](const char* name, std::int64_t count, std::int64_t padding_id) {
    return Spec("embedding",
                {{"count", count}, {"width", std::int64_t{12}}, {"padding_id", padding_id}}, name,
                {std::string(name) + "_ids"});
  };
  const TransformerOptions block = {
      .width = 12, .heads = 3, .feed_forward = 20, .lengths = "lengths"};
  return NetworkBuilder({{.name = "words_ids", .shape = Shape{7}, .type = ElementType::kInt32},
                         {.name = "types_ids", .shape = Shape{7}, .type = ElementType::kInt32},
                         {.name = "lengths", .shape = Shape{1}, .type = ElementType::kInt32}})
      .Layer(embedding("words", 13, 0))
      .Layer(embedding("types", 2, -1))
      .Add("embedded", "words", "types")
      .Layer(Spec("position_embedding", {{"max_length", std::int64_t{9}}}, "positions"))
      .Layer(Spec("layer_norm", {{"per_position", true}}, "norm"))
      .TransformerEncoder("block1", block)
      .TransformerEncoder("block2", block)
      .Layer(Spec("token_pool", "features", {"block2.norm2", "lengths"}))
      .Head("answer", LabelsTask({"a", "b", "c"}))
      .Build(1);
}

Network Decoder() {
  const TransformerOptions block = {.width = 10,
                                    .heads = 2,
                                    .feed_forward = 16,
                                    .activation = "silu",
                                    .norm_first = true,
                                    .causal = true};
  return NetworkBuilder(Shape{6, 10})
      .TransformerEncoder("block1", block)
      .TransformerEncoder("block2", block)
      .Layer(Spec("rms_norm", Attributes(), "norm"))
      .Layer(Spec("token_pool", {{"pool", std::string("max")}}, "features"))
      .Head("answer", LabelsTask({"a", "b", "c"}))
      .Build(1);
}

// A network with the parameters of the file, and its inputs there.
struct Example {
  explicit Example(const std::string& name_in)
      : name(name_in), network(name == "encoder" ? Encoder() : Decoder()) {
    for (const ParameterDescription& parameter : network.Parameters()) {
      network.WriteParameter(parameter.path, Golden().Values(name + "/initial/" + parameter.path));
    }
    if (name == "decoder") {
      data.emplace_back(Golden().Values(name + "/inputs/input"));
      return;
    }
    for (const char* input : {"words", "types", "lengths"}) {
      const auto values = Golden().Values(name + "/inputs/" + input);
      integers.emplace_back(values.begin(), values.end());
    }
    for (const auto& values : integers) data.emplace_back(std::span<const std::int32_t>(values));
  }

  std::string name;
  Network network;
  std::vector<std::vector<std::int32_t>> integers;
  std::vector<InputData> data;
};

class TransformerGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(TransformerGolden, AnswersAsPyTorch) {
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
TEST_P(TransformerGolden, GradientsAsPyTorch) {
  testing::ForEachCpuTarget([] {
    Example example(GetParam());
    Network& network = example.network;
    const std::string& name = example.name;
    Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 64.0}, .max_batch_size = kBatch});
    const std::vector<TaskTargets> targets = {{.values = Golden().Values(name + "/targets")}};
    const StepResult& result =
        trainer.Step(kBatch, Inputs(std::span<const InputData>(example.data)), targets);
    EXPECT_NEAR(result.loss, static_cast<double>(Golden().Values(name + "/loss")[0]), 1e-5);
    double squares = 0.0;
    for (const ParameterDescription& parameter : network.Parameters()) {
      for (const float value : Golden().Values(name + "/gradient/" + parameter.path)) {
        squares += static_cast<double>(value) * static_cast<double>(value);
      }
      const auto before = Golden().Values(name + "/initial/" + parameter.path);
      std::vector<float> gradient = network.ReadParameter(parameter.path);
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        gradient[i] = (before[i] - gradient[i]) / 64.0f;
      }
      EXPECT_LE(RelativeNorm(gradient, Golden().Values(name + "/gradient/" + parameter.path)),
                kTolerance)
          << parameter.path;
    }
    EXPECT_NEAR(result.gradient_norm, std::sqrt(squares), 1e-5 * std::sqrt(squares));
  });
}

INSTANTIATE_TEST_SUITE_P(Networks, TransformerGolden, ::testing::Values("encoder", "decoder"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace espalier
