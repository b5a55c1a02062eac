// SPDX-License-Identifier: Apache-2.0

// Training that weighs its tasks, against PyTorch in float64: see cpp/testdata/balance_golden.py.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "espalier/builder.h"
#include "espalier/trainer.h"
#include "gtest/gtest.h"
#include "testing/golden_file.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::RelativeNorm;

constexpr std::int64_t kBatch = 12;
constexpr int kBatches = 4;
constexpr int kSteps = 20;
constexpr double kTolerance = 1e-5;

const testing::GoldenFile& Golden() {
  static const testing::GoldenFile golden("balance_golden");
  return golden;
}

Network MakeNetwork() {
  TaskSpec kind = ClassesTask(4);
  kind.weight = 0.5;
  TaskSpec sizes = ValuesTask({"width", "height"});
  sizes.weight = 2.0;
  Network network = NetworkBuilder(Shape::Vector(6))
                        .Dense("dense1", 8)
                        .Layer({.kind = "tanh"})
                        .Head("signs", LabelsTask({"a", "b", "c"}))
                        .Head("kind", kind)
                        .Head("sizes", sizes)
                        .Build(1);
  for (const ParameterDescription& parameter : network.Parameters()) {
    network.WriteParameter(parameter.path, Golden().Values("initial/" + parameter.path));
  }
  return network;
}

struct Rule {
  std::string name;
  BalanceConfig config;
};

class BalanceGolden : public ::testing::TestWithParam<Rule> {};

TEST_P(BalanceGolden, TrainsAsPyTorch) {
  const std::string& name = GetParam().name;
  const bool projects = std::holds_alternative<ProjectedGradients>(GetParam().config);
  Network network = MakeNetwork();
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.2},
                            .max_batch_size = kBatch,
                            .balance = GetParam().config});
  std::vector<float> factors;
  for (int step = 0; step < kSteps; ++step) {
    const std::string batch = std::to_string(step % kBatches);
    const auto targets_of = [&](const std::string& task) {
      return Golden().Values("targets/" + batch + "/" + task);
    };
    const auto kinds = targets_of("kind");
    const std::vector<std::int32_t> classes(kinds.begin(), kinds.end());
    std::vector<TaskTargets> targets = {
        {.values = targets_of("signs")}, {.classes = classes}, {.values = targets_of("sizes")}};
    if (projects) targets[2] = {};
    const StepResult& result = trainer.Step(kBatch, Golden().Values("inputs/" + batch), targets);
    for (const TaskLoss& task : result.tasks) factors.push_back(static_cast<float>(task.factor));
  }
  if (!projects) {
    EXPECT_LE(RelativeNorm(factors, Golden().Values(name + "/factors")), kTolerance);
  }
  for (const ParameterDescription& parameter : network.Parameters()) {
    EXPECT_LE(RelativeNorm(network.ReadParameter(parameter.path),
                           Golden().Values(name + "/final/" + parameter.path)),
              kTolerance)
        << parameter.path;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rules, BalanceGolden,
    ::testing::Values(Rule{"plain", PlainWeights{}},
                      Rule{"uncertainty", UncertaintyWeights{.learning_rate = 0.05}},
                      Rule{"uw_so", InverseLossWeights{.temperature = 2.0}},
                      Rule{"famo", FamoWeights{.learning_rate = 0.05, .decay = 0.1}},
                      Rule{"pcgrad", ProjectedGradients{}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace espalier
