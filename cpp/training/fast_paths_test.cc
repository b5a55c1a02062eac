// SPDX-License-Identifier: Apache-2.0
#include "core/fast_paths.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/thread_pool.h"
#include "espalier/predictor.h"
#include "espalier/runtime.h"
#include "espalier/trainer.h"
#include "testing/known_networks.h"
#include "testing/normal_floats.h"
#include "testing/transformer_networks.h"

#ifdef ESPALIER_FAIL_POINTS
namespace espalier {
namespace {

std::vector<float> RandomInputs(std::int64_t count) {
  return testing::NormalFloats(count, {.seed = 5, .purpose = RandomPurpose::kTest, .index = 1});
}

struct Job {
  std::string name;
  std::function<std::vector<float>()> run;
};

std::vector<float> Predictions(const NetworkSpec& spec, std::int64_t batch, std::int64_t inputs,
                               std::int64_t outputs) {
  const Predictor predictor(Network::Build(spec, 3), {.max_batch_size = batch, .logits = true});
  std::vector<float> results(static_cast<std::size_t>(batch * outputs));
  predictor.Predict(batch, RandomInputs(batch * inputs), results);
  return results;
}

// All parameters after a step.
std::vector<float> Trained(Network network, std::int64_t batch, std::int64_t inputs,
                           const TaskTargets& targets) {
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.05}, .max_batch_size = batch});
  trainer.Step(batch, RandomInputs(batch * inputs), {&targets, 1});
  std::vector<float> results;
  for (const ParameterDescription& parameter : network.Parameters()) {
    const std::vector<float> values = network.ReadParameter(parameter.path);
    results.insert(results.end(), values.begin(), values.end());
  }
  return results;
}

std::vector<std::string> Names(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back("l" + std::to_string(i));
  return names;
}

std::vector<float> TrainedImages() {
  constexpr std::int64_t kBatch = 4;
  const std::vector<std::int32_t> classes = {0, 1, 2, 1};
  return Trained(Network::Build(testing::ResNet18(Shape::Image(3, 32, 32), 3, 32), 3), kBatch,
                 3 * 32 * 32, {.classes = classes});
}

// One label in fifty is known.
std::vector<float> TrainedWideHead() {
  constexpr std::int64_t kBatch = 8;
  constexpr std::int64_t kLabels = 1000;
  NetworkBuilder builder(Shape::Vector(512));
  builder.Dense("dense", 1024).Relu().Head("labels", LabelsTask(Names(kLabels)));
  std::vector<float> labels(kBatch * kLabels, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t i = 0; i < labels.size(); i += 50) labels[i] = i % 100 == 0 ? 1.0f : 0.0f;
  return Trained(builder.Build(3), kBatch, 512, {.values = labels});
}

std::vector<float> TextPredictions() {
  constexpr std::int64_t kBatch = 4;
  const testing::BertSizes sizes = {
      .length = 128, .vocabulary = 50, .layers = 1, .width = 32, .heads = 2, .feed_forward = 64};
  const Network network = testing::Bert(sizes).Head("topics", LabelsTask(Names(3))).Build(3);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(kBatch * sizes.length));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i * 7 % 50);
  const std::vector<std::int32_t> types(ids.size());
  const std::vector<std::int32_t> lengths = {5, 128, 3, 120};
  const std::vector<InputData> data = {std::span<const std::int32_t>(ids),
                                       std::span<const std::int32_t>(types),
                                       std::span<const std::int32_t>(lengths)};
  const Predictor predictor(network, {.max_batch_size = kBatch, .logits = true});
  std::vector<float> results(kBatch * 3);
  predictor.Predict(kBatch, Inputs(data), results);
  return results;
}

std::vector<Job> Jobs() {
  return {
      {"images predicted",
       [] {
         return Predictions(testing::ResNet18(Shape::Image(3, 32, 32), 7, 32), 8, 3 * 32 * 32, 7);
       }},
      {"images predicted by depthwise convolutions",
       [] {
         return Predictions(testing::MobileNetV2(Shape::Image(3, 96, 96), 7), 1, 3 * 96 * 96, 7);
       }},
      {"texts predicted", TextPredictions},
      {"images learned", TrainedImages},
      {"labels learned", TrainedWideHead},
  };
}

// What other ways of summing do to a step through twenty batch norms of four examples.
constexpr double kTolerance = 1e-3;

double RelativeDifference(const std::vector<float>& got, const std::vector<float>& expected) {
  double difference = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(got[i]) - expected[i], 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / size);
}

TEST(FastPaths, EachCanBeDoneWithout) {
  const int threads = ThreadPool::Shared().thread_count();
  SetThreadCount(2);
  const std::vector<Job> jobs = Jobs();
  std::vector<std::vector<float>> expected;
  for (const Job& job : jobs) expected.push_back(job.run());
  for (int path = 0; path <= static_cast<int>(kLastFastPath); ++path) {
    const WithoutFastPath without(static_cast<FastPath>(path));
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      const std::vector<float> got = jobs[j].run();
      ASSERT_EQ(got.size(), expected[j].size());
      EXPECT_LT(RelativeDifference(got, expected[j]), kTolerance)
          << jobs[j].name << " without path " << path;
    }
    EXPECT_GT(without.missed(), 0) << "no job takes path " << path;
  }
  SetThreadCount(threads);
}

}  // namespace
}  // namespace espalier
#endif  // ESPALIER_FAIL_POINTS
