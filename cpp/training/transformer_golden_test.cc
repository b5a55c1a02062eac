// SPDX-License-Identifier: Apache-2.0

// Transformers against PyTorch in float64: see cpp/testdata/transformer_golden.py.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/builder.h"
#include "espalier/inputs.h"
#include "gtest/gtest.h"
#include "testing/cpu_targets.h"
#include "testing/golden_file.h"
#include "testing/golden_network.h"
#include "testing/layer_spec.h"

namespace espalier {
namespace {

using testing::Spec;

constexpr std::int64_t kBatch = 5;

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
    testing::WriteGoldenParameters(name, Golden(), network);
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

  testing::GoldenExample golden() { return {name, Golden(), network, kBatch, data}; }

  std::string name;
  Network network;
  std::vector<std::vector<std::int32_t>> integers;
  std::vector<InputData> data;
};

class TransformerGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(TransformerGolden, AnswersAsPyTorch) {
  Example example(GetParam());
  testing::ForEachCpuTarget([&] { testing::ExpectGoldenAnswers(example.golden()); });
}

TEST_P(TransformerGolden, GradientsAsPyTorch) {
  testing::ForEachCpuTarget([] {
    Example example(GetParam());
    testing::ExpectGoldenGradients(example.golden());
  });
}

INSTANTIATE_TEST_SUITE_P(Networks, TransformerGolden, ::testing::Values("encoder", "decoder"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace espalier
