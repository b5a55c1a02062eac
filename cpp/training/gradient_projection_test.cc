// SPDX-License-Identifier: Apache-2.0
#include "training/gradient_projection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "espalier/trainer.h"
#include "testing/layer_spec.h"
#include "testing/tolerance.h"
#include "testing/training_data.h"
#include "testing/training_networks.h"

namespace espalier {
namespace {

using testing::Differences;
using testing::NamedValues;
using testing::ParametersOf;
using testing::RandomExamples;
using testing::RelativeNorm;
using testing::ThreeHeads;

constexpr std::int64_t kBatch = 16;

using Vector = std::vector<double>;

double Product(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// As the paper writes it down.
Vector Projected(const std::vector<Vector>& gradients,
                 const std::vector<std::vector<std::size_t>>& orders) {
  Vector sum(gradients[0].size());
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    Vector projected = gradients[k];
    for (const std::size_t j : orders[k]) {
      const double product = Product(projected, gradients[j]);
      if (!(product < 0.0)) continue;
      const double share = product / Product(gradients[j], gradients[j]);
      for (std::size_t i = 0; i < sum.size(); ++i) projected[i] -= share * gradients[j][i];
    }
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += projected[i];
  }
  return sum;
}

TEST(GradientProjection, SumsAreThoseOfTheProjectedGradients) {
  Random random({.seed = 1, .index = 5});
  for (std::size_t tasks = 1; tasks <= 6; ++tasks) {
    std::vector<Vector> gradients(tasks, Vector(9));
    for (Vector& gradient : gradients) {
      for (double& value : gradient) value = random.NextNormal();
    }
    if (tasks == 4) gradients[2].assign(9, 0.0);
    std::vector<std::vector<std::size_t>> orders(tasks);
    for (std::size_t k = 0; k < tasks; ++k) {
      for (std::size_t j = 0; j < tasks; ++j) {
        if (j != k)
          orders[k].insert(orders[k].begin() +
                               static_cast<std::ptrdiff_t>(random.NextBelow(orders[k].size() + 1)),
                           j);
      }
    }
    Vector products;
    for (const Vector& a : gradients) {
      for (const Vector& b : gradients) products.push_back(Product(a, b));
    }
    const Vector counts =
        ProjectedSum(products, tasks, [&](std::size_t k, std::size_t i) { return orders[k][i]; });
    Vector sum(9);
    for (std::size_t j = 0; j < tasks; ++j) {
      EXPECT_GE(counts[j], 1.0);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += counts[j] * gradients[j][i];
    }
    EXPECT_LE(RelativeNorm(sum, Projected(gradients, orders)), 1e-12) << tasks;
  }
}

// What a step with plain weights, or with PCGrad, subtracts at a rate of 64.
std::map<std::string, Vector> Gradients(const Network& network, const RandomExamples& examples,
                                        const std::vector<bool>& labelled,
                                        const BalanceConfig& balance) {
  Network trained = network.Clone();
  Trainer trainer(
      trained,
      {.optimizer = Sgd{.learning_rate = 64.0}, .max_batch_size = kBatch, .balance = balance});
  std::vector<TaskTargets> targets = examples.Targets(0, kBatch);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!labelled[i]) targets[i] = {};
  }
  trainer.Step(kBatch, examples.Inputs(0, kBatch), targets);
  std::map<std::string, Vector> gradients;
  const NamedValues before = ParametersOf(network);
  for (const auto& [path, values] : ParametersOf(trained)) {
    if (path.find("running") != std::string::npos) continue;
    for (std::size_t i = 0; i < values.size(); ++i) {
      gradients[path].push_back(static_cast<double>(before.at(path)[i]) - values[i]);
    }
  }
  return gradients;
}

// "sizes" stands on the convolutions alone, the others on all of the backbone. Of three tasks each
// of the orders is tried. Returns whether there was a conflict.
bool ExpectProjection(const std::vector<bool>& labelled, std::uint32_t seed) {
  const Network network = ThreeHeads().Build(5);
  const RandomExamples examples(network, 40, seed);
  std::vector<std::map<std::string, Vector>> of_tasks;
  for (std::size_t head = 0; head < 3; ++head) {
    if (!labelled[head]) continue;
    std::vector<bool> one(3, false);
    one[head] = true;
    of_tasks.push_back(Gradients(network, examples, one, PlainWeights{}));
  }
  const auto got = Gradients(network, examples, labelled, ProjectedGradients{});
  const auto plain = Gradients(network, examples, labelled, PlainWeights{});
  std::vector<Vector> shared(of_tasks.size());
  Vector got_shared;
  Vector plain_shared;
  for (const auto& [path, gradient] : got) {
    const auto reaches = [&](const auto& of) {
      return std::ranges::any_of(of.at(path), [](double x) { return x != 0.0; });
    };
    if (std::ranges::count_if(of_tasks, reaches) < 2) {
      EXPECT_LE(RelativeNorm(gradient, plain.at(path)), 1e-5) << path;
      continue;
    }
    got_shared.insert(got_shared.end(), gradient.begin(), gradient.end());
    plain_shared.insert(plain_shared.end(), plain.at(path).begin(), plain.at(path).end());
    for (std::size_t k = 0; k < of_tasks.size(); ++k) {
      shared[k].insert(shared[k].end(), of_tasks[k].at(path).begin(), of_tasks[k].at(path).end());
    }
  }
  double error = std::numeric_limits<double>::infinity();
  for (int order = 0; order < 8; ++order) {
    std::vector<std::vector<std::size_t>> orders(of_tasks.size());
    for (std::size_t k = 0; k < orders.size(); ++k) {
      for (std::size_t j = 0; j < orders.size(); ++j) {
        if (j != k) orders[k].push_back(j);
      }
      if (((order >> k) & 1) != 0) std::ranges::reverse(orders[k]);
    }
    error = std::min(error, RelativeNorm(got_shared, Projected(shared, orders)));
  }
  EXPECT_LE(error, 2e-5);
  return RelativeNorm(got_shared, plain_shared) > 1e-3;
}

TEST(GradientProjection, StepsProjectTheGradientsOfSharedParameters) {
  for (const std::vector<bool>& labelled :
       {std::vector<bool>{true, true, true}, {true, false, true}, {true, true, false}}) {
    int conflicts = 0;
    for (std::uint32_t seed = 1; seed <= 10; ++seed) {
      conflicts += ExpectProjection(labelled, seed) ? 1 : 0;
    }
    EXPECT_GT(conflicts, 0);
  }
}

// Rows of a table that a step does not name are not read, whatever earlier steps left there.
TEST(GradientProjection, RowsOfTablesAreProjectedToo) {
  const auto build = [] {
    return NetworkBuilder({{.name = "ids", .shape = Shape{3}, .type = ElementType::kInt32}})
        .Layer(testing::Spec("embedding", {{"count", std::int64_t{50}}, {"width", std::int64_t{4}}},
                             "words", {}))
        .Layer(testing::Spec("token_pool", "mean", {"words"}))
        .Head("one", LabelsTask({"a"}))
        .Head("other", LabelsTask({"b"}))
        .Build(3);
  };
  const auto step = [](Trainer& trainer, const std::vector<std::int32_t>& ids) {
    const std::vector<float> yes = {1, 1};
    const std::vector<float> no = {0, 1};
    const TaskTargets targets[] = {{.values = yes}, {.values = no}};
    const InputData inputs[] = {std::span<const std::int32_t>(ids)};
    return trainer.Step(2, Inputs(std::span<const InputData>(inputs)), targets).tasks[0].factor;
  };
  const TrainerConfig config{.optimizer = Sgd{.learning_rate = 1e-30},
                             .balance = ProjectedGradients{}};
  Network network = build();
  Network other = build();
  for (Network* const of : {&network, &other}) {
    of->WriteParameter("heads.one.dense.weight", std::vector<float>{1, 2, 3, 4});
    of->WriteParameter("heads.other.dense.weight", std::vector<float>{2, 1, 4, 4});
  }
  Trainer trainer(network, config);
  Trainer fresh(other, config);
  const std::vector<std::int32_t> named = {7, 8, 9, 7, 7, 40};
  step(trainer, {0, 1, 2, 3, 4, 5});
  step(fresh, {7, 8, 9, 40, 40, 40});
  const double factor = step(trainer, named);
  EXPECT_GT(factor, 1.0);
  EXPECT_EQ(factor, step(fresh, named));
}

}  // namespace
}  // namespace espalier
