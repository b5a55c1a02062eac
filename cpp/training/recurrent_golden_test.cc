// SPDX-License-Identifier: Apache-2.0

// GRU and LSTM against PyTorch in float64: see cpp/testdata/recurrent_golden.py.

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
constexpr std::int64_t kHidden = 9;
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
    testing::WriteGoldenParameters(name, Golden(), network);
    data.emplace_back(Golden().Values(name + "/inputs/input"));
    if (name.ends_with("one_way")) return;
    const auto values = Golden().Values(name + "/inputs/lengths");
    lengths.assign(values.begin(), values.end());
    data.emplace_back(std::span<const std::int32_t>(lengths));
  }

  testing::GoldenExample golden() { return {name, Golden(), network, kBatch, data}; }

  std::string name;
  Network network;
  std::vector<std::int32_t> lengths;
  std::vector<InputData> data;
};

class RecurrentGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(RecurrentGolden, AnswersAsPyTorch) {
  Example example(GetParam());
  testing::ForEachCpuTarget([&] { testing::ExpectGoldenAnswers(example.golden()); });
}

TEST_P(RecurrentGolden, GradientsAsPyTorch) {
  testing::ForEachCpuTarget([] {
    Example example(GetParam());
    testing::ExpectGoldenGradients(example.golden());
  });
}

INSTANTIATE_TEST_SUITE_P(Networks, RecurrentGolden,
                         ::testing::Values("gru_one_way", "gru_both_ways", "lstm_one_way",
                                           "lstm_both_ways"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace espalier
