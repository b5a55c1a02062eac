// SPDX-License-Identifier: Apache-2.0

// Training against PyTorch in float64: see cpp/testdata/generate_golden.py.

#include <ostream>
#include <string>
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

LayerSpec Convolution(std::string name, std::int64_t channels, std::int64_t kernel,
                      Attributes more = {}) {
  LayerSpec layer{.name = std::move(name), .kind = "conv2d", .attributes = std::move(more)};
  layer.attributes["channels"] = channels;
  layer.attributes["kernel"] = kernel;
  layer.attributes.emplace("bias", false);
  return layer;
}

Network Mlp() {
  TaskSpec kind = ClassesTask(4);
  kind.weight = 0.5;
  return NetworkBuilder(Shape::Vector(17))
      .Dense("dense1", 33)
      .Relu()
      .Dense("dense2", 20)
      .Layer({.kind = "tanh"})
      .Head("tags", LabelsTask({"a", "b", "c", "d", "e", "f"}))
      .Head("kind", kind)
      .Build(1);
}

Network Cnn() {
  return NetworkBuilder(Shape::Image(2, 11, 9))
      .Normalize({0.25, -0.5}, {0.5, 2.0})
      .Layer(Convolution("conv1", 8, 3))
      .BatchNorm("norm1")
      .Relu()
      .MaxPool2d(2)
      .Layer(Convolution("conv2", 12, 3, {{"padding", std::string("valid")}, {"bias", true}}))
      .Relu()
      .Head({.name = "kind",
             .layers = {{.name = "hidden",
                         .kind = "dense",
                         .attributes = {{"units", std::int64_t{24}}}},
                        {.name = "active", .kind = "relu"}},
             .task = ClassesTask(7)})
      .Build(1);
}

Network Residual() {
  TaskSpec sizes = ValuesTask({"width", "height", "depth"});
  sizes.weight = 0.25;
  return NetworkBuilder(Shape::Image(3, 8, 7))
      .Layer(Convolution("stem", 8, 3))
      .BatchNorm("stem_norm")
      .Layer({.name = "stem_silu", .kind = "silu"})
      .Layer({.name = "depthwise",
              .kind = "depthwise_conv2d",
              .attributes = {{"kernel", std::int64_t{3}}, {"bias", false}}})
      .BatchNorm("depthwise_norm")
      .Layer({.kind = "relu6"})
      .Layer(Convolution("pointwise", 8, 1))
      .BatchNorm("pointwise_norm")
      .Add("sum", "stem_silu", "pointwise_norm")
      .Layer({.kind = "gelu"})
      .Layer(Convolution("down", 16, 3,
                         {{"stride", std::int64_t{2}}, {"padding", std::vector<std::int64_t>{1}}}))
      .BatchNorm("down_norm")
      .Layer({.kind = "leaky_relu"})
      .Layer({.kind = "global_average_pool2d"})
      .Head("signs", LabelsTask({"a", "b", "c", "d", "e"}))
      .Head("sizes", sizes)
      .Build(1);
}

struct GoldenCase {
  std::string network;
  Network (*make)();
  std::string optimizer;
  OptimizerConfig config;
  double tolerance;
};

std::ostream& operator<<(std::ostream& out, const GoldenCase& test) {
  return out << test.network << " with " << test.optimizer;
}

class Golden : public ::testing::TestWithParam<GoldenCase> {};

std::vector<GoldenCase> Cases() {
  std::vector<GoldenCase> cases;
  const std::pair<std::string, Network (*)()> networks[] = {
      {"mlp", Mlp}, {"cnn", Cnn}, {"residual", Residual}};
  for (const auto& [name, make] : networks) {
    const Sgd sgd{.learning_rate = 0.02, .momentum = 0.9, .weight_decay = 1e-3};
    Sgd nesterov = sgd;
    nesterov.nesterov = true;
    cases.push_back({name, make, "sgd", sgd, 1e-5});
    cases.push_back({name, make, "nesterov", nesterov, 1e-5});
    cases.push_back({name, make, "adam", Adam{.learning_rate = 5e-3}, 1e-4});
    cases.push_back(
        {name, make, "adamw", AdamW{.learning_rate = 5e-3, .weight_decay = 0.05}, 1e-4});
  }
  return cases;
}

TEST_P(Golden, TwentyStepsAsPyTorch) {
  static const testing::GoldenFile golden("golden");
  const GoldenCase& test = GetParam();
  Network network = test.make();
  for (const ParameterDescription& parameter : network.Parameters()) {
    network.WriteParameter(parameter.path,
                           golden.Values(test.network + "/initial/" + parameter.path));
  }
  const NetworkSpec spec = network.Spec();
  Trainer trainer(network, {.optimizer = test.config, .max_batch_size = kBatch});

  std::vector<float> losses;
  for (int step = 0; step < kSteps; ++step) {
    const std::string batch = std::to_string(step % kBatches);
    std::vector<TaskTargets> targets;
    std::vector<std::vector<std::int32_t>> classes(spec.heads.size());
    for (std::size_t i = 0; i < spec.heads.size(); ++i) {
      const auto values =
          golden.Values(test.network + "/targets/" + spec.heads[i].name + "/" + batch);
      if (spec.heads[i].task.kind == TaskKind::kClasses) {
        classes[i].assign(values.begin(), values.end());
        targets.push_back({.classes = classes[i]});
      } else {
        targets.push_back({.values = values});
      }
    }
    const StepResult& result =
        trainer.Step(kBatch, golden.Values(test.network + "/inputs/" + batch), targets);
    for (const TaskLoss& task : result.tasks) losses.push_back(static_cast<float>(task.loss));
  }

  const std::string results = test.network + "/" + test.optimizer;
  EXPECT_LE(RelativeNorm(losses, golden.Values(results + "/losses")), test.tolerance);
  for (const ParameterDescription& parameter : network.Parameters()) {
    const double difference = RelativeNorm(network.ReadParameter(parameter.path),
                                           golden.Values(results + "/final/" + parameter.path));
    EXPECT_LE(difference, test.tolerance) << parameter.path;
    // The check can fail: 20 steps move every parameter by far more than the tolerance.
    const double moved = RelativeNorm(golden.Values(test.network + "/initial/" + parameter.path),
                                      golden.Values(results + "/final/" + parameter.path));
    EXPECT_GT(moved, 10 * test.tolerance) << parameter.path;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Golden, ::testing::ValuesIn(Cases()), [](const auto& info) {
  return info.param.network + "_" + info.param.optimizer;
});

}  // namespace
}  // namespace espalier
