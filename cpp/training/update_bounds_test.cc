// SPDX-License-Identifier: Apache-2.0
#include "training/update_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <variant>
#include <vector>

#include "core/random.h"
#include "gtest/gtest.h"
#include "optimizers/update.h"

namespace espalier {
namespace {

double MostOf(const std::vector<float>& values) {
  double most = 0.0;
  for (const float value : values) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

// Each kind as it is by default.
template <typename... Kinds>
std::vector<OptimizerConfig> EachKind(const std::variant<Kinds...>&) {
  return {Kinds{}...};
}

// Gradients of one sign and the largest size are what the bounds have to hold for.
TEST(UpdateBounds, HoldWhateverTheGradientsAre) {
  std::vector<OptimizerConfig> optimizers = EachKind(OptimizerConfig{});
  optimizers.insert(
      optimizers.end(),
      {Sgd{.learning_rate = 0.1}, Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01},
       Sgd{.learning_rate = 3.0, .momentum = 0.9, .nesterov = true},
       Adam{.learning_rate = 0.01, .weight_decay = 0.1},
       Adam{.learning_rate = 0.01, .beta1 = 0.9999},
       Adam{.learning_rate = 0.01, .beta1 = 0.0, .beta2 = 0.5},
       AdamW{.learning_rate = 0.5, .weight_decay = 1.5}, RmsProp{.learning_rate = 0.01},
       RmsProp{.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 0.1}});
  for (const OptimizerConfig& optimizer : optimizers) {
    Random random({.seed = 3, .purpose = RandomPurpose::kTest, .index = 5});
    constexpr std::int64_t kCount = 8;
    std::vector<float> values(kCount, 0.5f);
    const std::shared_ptr<const UpdateRule> rule = RuleOf(optimizer);
    std::vector<std::vector<float>> state(rule->StateNames().size(), std::vector<float>(kCount));
    UpdateBounds bounds(optimizer);
    bounds.Set({.value = 0.5});
    for (std::int64_t step = 1; step <= 300; ++step) {
      // Every fourth is so small that its square vanishes in float.
      const double exponent = random.NextNormal() - (step % 4 == 0 ? 22.0 : 0.0);
      const auto size = static_cast<float>(std::pow(10.0, exponent));
      std::vector<float> gradients(kCount);
      for (std::size_t i = 0; i < kCount; ++i) {
        gradients[i] = i == 0   ? size
                       : i == 1 ? -size
                                : size * static_cast<float>(random.NextUniform());
      }
      ASSERT_TRUE(bounds.Advance(size, LearningRate(optimizer)))
          << optimizer.index() << " step " << step;
      UpdateArrays arrays{.values = values.data(), .gradients = gradients.data(), .count = kCount};
      for (std::size_t i = 0; i < state.size(); ++i) arrays.state[i] = state[i].data();
      PreparedUpdate(*rule, {.step = step,
                             .learning_rate = LearningRate(optimizer),
                             .weight_decay = WeightDecay(optimizer)})
          .Run(arrays);
      ASSERT_LE(MostOf(values), bounds.most().value) << optimizer.index() << " step " << step;
      for (std::size_t i = 0; i < state.size(); ++i) {
        ASSERT_LE(MostOf(state[i]), bounds.most().state[i])
            << optimizer.index() << " step " << step;
      }
    }
  }
}

// A look at all parameters costs time: ordinary training needs one in hundreds of thousands of
// steps.
TEST(UpdateBounds, HoldForManyOrdinarySteps) {
  for (const OptimizerConfig& optimizer : std::vector<OptimizerConfig>{
           Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-4},
           Adam{.learning_rate = 0.01}, AdamW{.learning_rate = 0.01}, RmsProp{.momentum = 0.9}}) {
    UpdateBounds bounds(optimizer);
    bounds.Set({.value = 100.0});
    for (int step = 0; step < 300000; ++step) {
      ASSERT_TRUE(bounds.Advance(1000.0, LearningRate(optimizer))) << step;
    }
  }
}

TEST(UpdateBounds, SayNoWhereSomethingMayOverflow) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto advances = [](const OptimizerConfig& optimizer, double gradient, double rate,
                           const UpdateMost& most = {.value = 1.0}) {
    UpdateBounds bounds(optimizer);
    bounds.Set(most);
    const bool result = bounds.Advance(gradient, rate);
    EXPECT_TRUE(result || bounds.most().value == most.value || std::isnan(most.value));
    return result;
  };
  EXPECT_TRUE(advances(Sgd{}, 1.0, 1e30));
  EXPECT_FALSE(advances(Sgd{}, 1.0, 1e300));
  EXPECT_FALSE(advances(Sgd{}, 0.0, 1e300)) << "0 times infinity, in float";
  EXPECT_FALSE(advances(Sgd{}, 1e38, 1e-3));
  EXPECT_FALSE(advances(Sgd{}, 1.0, 1.0, {.value = infinity}));
  EXPECT_FALSE(advances(Sgd{}, 1.0, 1.0, {.value = std::nan("")}));
  EXPECT_FALSE(advances(Adam{}, 1e19, 1e-3)) << "its square";
  EXPECT_FALSE(advances(Adam{.weight_decay = 1e20}, 1.0, 1e-3)) << "a decayed gradient's square";
  EXPECT_FALSE(advances(Adam{.beta1 = 0.9999, .epsilon = 1e-37}, 1e4, 1e-3));
  EXPECT_FALSE(advances(Adam{}, 1.0, 1e38));
  EXPECT_FALSE(advances(AdamW{.weight_decay = 1e39}, 0.0, 1.0, {.value = 0.0})) << "0 · infinity";
  EXPECT_FALSE(advances(AdamW{.weight_decay = 1e20}, 0.0, 1e18));
  EXPECT_FALSE(advances(RmsProp{}, 1.0, 1e38));
}

}  // namespace
}  // namespace espalier
