// SPDX-License-Identifier: Apache-2.0
#include "optimizers/update.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/random.h"
#include "espalier/error.h"
#include "testing/cpu_targets.h"
#include "testing/tolerance.h"

namespace espalier {
namespace {

using testing::SameBits;

// Parameters that are updated together, with their state, as a trainer keeps it.
struct Unit {
  std::vector<float> values;
  std::vector<std::vector<float>> state;
  std::int64_t step = 0;

  explicit Unit(std::vector<float> start) : values(std::move(start)) {}

  UpdateArrays Arrays(const UpdateRule& rule, const std::vector<float>& gradients) {
    state.resize(rule.StateNames().size(), std::vector<float>(values.size()));
    UpdateArrays arrays{.values = values.data(),
                        .gradients = gradients.data(),
                        .count = static_cast<std::int64_t>(values.size())};
    for (std::size_t i = 0; i < state.size(); ++i) arrays.state[i] = state[i].data();
    return arrays;
  }
  UpdateStep Step(const OptimizerConfig& config) const {
    return {
        .step = step, .learning_rate = LearningRate(config), .weight_decay = WeightDecay(config)};
  }
  void Update(const OptimizerConfig& config, const std::vector<float>& gradients) {
    ++step;
    const std::shared_ptr<const UpdateRule> rule = RuleOf(config);
    PreparedUpdate(*rule, Step(config)).Run(Arrays(*rule, gradients));
  }
};

struct Known {
  const char* name;
  OptimizerConfig config;
  std::vector<double> expected;  // two parameters after each of three steps
};

// From w = (1, -2) by the gradients below; computed by PyTorch in float64
// (testdata/optimizer_steps.py). The configurations without settings prove the defaults.
std::vector<Known> KnownSteps() {
  return {
      {"Sgd", Sgd{.learning_rate = 0.1}, {0.95, -1.85, 0.975, -1.8625, 0.875, -2.0625}},
      {"SgdMomentumDecay",
       Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01},
       {0.949, -1.848, 0.927151, -1.7218520000000002, 0.8065597489999999, -1.8065969480000001}},
      {"Nesterov",
       Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true},
       {0.905, -1.715, 0.912, -1.61725, 0.7058, -1.898025}},
      {"Adam",
       Adam{},
       {0.99900000002, -1.9990000000066668, 0.9987336629870784, -1.998394086514252,
        0.9980755513967708, -1.9986232170043314}},
      {"AdamDecay",
       Adam{.learning_rate = 0.05,
            .beta1 = 0.8,
            .beta2 = 0.95,
            .epsilon = 1e-4,
            .weight_decay = 0.1},
       {0.9500083319446759, -1.9500029410034705, 0.9291757150113551, -1.916559078281206,
        0.8914761597574452, -1.9260379510100658}},
      {"AdamW",
       AdamW{},
       {0.99899000002, -1.9989800000066669, 0.9987136730870784, -1.9983540967142521,
        0.9980455743600399, -1.9985632436633645}},
      {"AdamWSettings",
       AdamW{.learning_rate = 0.05,
             .beta1 = 0.8,
             .beta2 = 0.95,
             .epsilon = 1e-4,
             .weight_decay = 0.3},
       {0.9350099980003999, -1.920003333111126, 0.910364598353426, -1.8627883054380647,
        0.8625194709461689, -1.850891972719948}},
      {"RmsProp",
       RmsProp{},
       {0.900000019999996, -1.9000000066666662, 0.9449013374421751, -1.9083461001750253,
        0.8574273783928595, -1.9885343191495928}},
      {"RmsPropSettings",
       RmsProp{.learning_rate = 0.05,
               .alpha = 0.9,
               .epsilon = 1e-4,
               .momentum = 0.8,
               .weight_decay = 0.1},
       {0.8419694064275273, -1.8419155232862359, 0.7597400261121667, -1.709649889200576,
        0.55386854676453, -1.7250646623969543}},
  };
}

constexpr float kGradients[3][2] = {{0.5f, -1.5f}, {-0.25f, 0.125f}, {1.0f, 2.0f}};

TEST(Optimizer, FirstThreeStepsEqualKnownValues) {
  testing::ForEachCpuTarget([] {
    for (const Known& known : KnownSteps()) {
      SCOPED_TRACE(known.name);
      CheckOptimizer(known.config);
      // The two parameters at every place of whole and partial vectors.
      Unit unit(std::vector<float>(2 * 19));
      std::vector<float> gradients(unit.values.size());
      for (std::size_t i = 0; i < unit.values.size(); ++i)
        unit.values[i] = i % 2 == 0 ? 1.0f : -2.0f;
      for (std::size_t step = 0; step < 3; ++step) {
        for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i] = kGradients[step][i % 2];
        unit.Update(known.config, gradients);
        for (std::size_t i = 0; i < gradients.size(); ++i) {
          const double expected = known.expected[2 * step + i % 2];
          EXPECT_NEAR(unit.values[i], expected, 3e-7 * std::abs(expected)) << step << " " << i;
        }
      }
    }
  });
}

TEST(Optimizer, AWrongSettingFailsTheComparison) {
  for (const Known& known : KnownSteps()) {
    Unit unit({1.0f, -2.0f});
    OptimizerConfig wrong = known.config;
    std::visit([](auto& optimizer) { optimizer.learning_rate *= 1.0002; }, wrong);
    double error = 0.0;
    for (std::size_t step = 0; step < 3; ++step) {
      unit.Update(wrong, {kGradients[step][0], kGradients[step][1]});
      for (std::size_t i = 0; i < 2; ++i) {
        const double expected = known.expected[2 * step + i];
        error = std::max(error, std::abs(unit.values[i] - expected) / std::abs(expected));
      }
    }
    EXPECT_GT(error, 3e-7) << known.name;
  }
}

TEST(Optimizer, DefaultsAreThoseOfTheSources) {
  // Kingma and Ba 2015, section 2, and torch.optim.
  EXPECT_EQ(Adam{}.learning_rate, 1e-3);
  EXPECT_EQ(Adam{}.beta1, 0.9);
  EXPECT_EQ(Adam{}.beta2, 0.999);
  EXPECT_EQ(Adam{}.epsilon, 1e-8);
  EXPECT_EQ(Adam{}.weight_decay, 0.0);
  EXPECT_EQ(AdamW{}.learning_rate, 1e-3);
  EXPECT_EQ(AdamW{}.beta1, 0.9);
  EXPECT_EQ(AdamW{}.beta2, 0.999);
  EXPECT_EQ(AdamW{}.epsilon, 1e-8);
  EXPECT_EQ(AdamW{}.weight_decay, 0.01);
  EXPECT_EQ(RmsProp{}.learning_rate, 0.01);
  EXPECT_EQ(RmsProp{}.alpha, 0.99);
  EXPECT_EQ(RmsProp{}.epsilon, 1e-8);
  EXPECT_EQ(RmsProp{}.momentum, 0.0);
  EXPECT_EQ(Sgd{}.momentum, 0.0);
  EXPECT_FALSE(Sgd{}.nesterov);
}

TEST(Optimizer, PiecesGiveTheBitsOfTheWhole) {
  testing::ForEachCpuTarget([] {
    for (const Known& known : KnownSteps()) {
      SCOPED_TRACE(known.name);
      constexpr std::size_t kCount = 101;
      Random random({.seed = 3});
      std::vector<float> start;
      for (std::size_t i = 0; i < kCount; ++i) {
        start.push_back(static_cast<float>(random.NextNormal()));
      }
      Unit whole(start);
      Unit pieces(start);
      for (int step = 0; step < 4; ++step) {
        std::vector<float> gradients;
        for (std::size_t i = 0; i < kCount; ++i) {
          gradients.push_back(static_cast<float>(random.NextNormal()));
        }
        whole.Update(known.config, gradients);
        ++pieces.step;
        const std::shared_ptr<const UpdateRule> rule = RuleOf(known.config);
        const PreparedUpdate update(*rule, pieces.Step(known.config));
        UpdateArrays piece = pieces.Arrays(*rule, gradients);
        std::int64_t first = 0;
        for (const std::int64_t count : {1, 3, 17, 0, 15, 32, 33}) {
          piece.count = count;
          update.Run(piece);
          piece.values += count;
          piece.gradients += count;
          for (std::size_t i = 0; i < pieces.state.size(); ++i) piece.state[i] += count;
          first += count;
        }
        ASSERT_EQ(first, static_cast<std::int64_t>(kCount));
      }
      EXPECT_TRUE(SameBits(whole.values, pieces.values));
      ASSERT_EQ(whole.state.size(), pieces.state.size());
      for (std::size_t i = 0; i < whole.state.size(); ++i) {
        EXPECT_TRUE(SameBits(whole.state[i], pieces.state[i]));
      }
    }
  });
}

TEST(Optimizer, BiasCorrectionFollowsTheUnitsOwnStep) {
  // A unit that was skipped for many steps takes a first step as large as any other's.
  const Adam adam;
  Unit fresh({1.0f});
  fresh.Update(adam, {0.5f});
  EXPECT_NEAR(1.0f - fresh.values[0], 1e-3, 1e-7);
  Unit miscounted({1.0f});
  miscounted.step = 999;
  miscounted.Update(adam, {0.5f});
  EXPECT_GT(std::abs((1.0f - miscounted.values[0]) - 1e-3f), 1e-4f);
}

TEST(Optimizer, ClipsByValueThenScalesThenDecays) {
  testing::ForEachCpuTarget([] {
    const Sgd sgd{.learning_rate = 1.0, .weight_decay = 0.5};
    Unit unit({1.0f, 1.0f, 1.0f});
    const std::vector<float> gradients{5.0f, -5.0f, 0.5f};
    UpdateStep step = unit.Step(sgd);
    step.clip_value = 2.0f;
    step.gradient_scale = 0.25f;
    const std::shared_ptr<const UpdateRule> rule = sgd.Rule();
    PreparedUpdate(*rule, step).Run(unit.Arrays(*rule, gradients));
    EXPECT_EQ(unit.values, (std::vector<float>{1.0f - (0.5f + 0.5f), 1.0f - (-0.5f + 0.5f),
                                               1.0f - (0.125f + 0.5f)}));
  });
}

TEST(Optimizer, NaNGradientsAreNotClippedAway) {
  testing::ForEachCpuTarget([] {
    for (std::size_t count = 1; count <= 35; ++count) {
      Unit unit(std::vector<float>(count, 1.0f));
      std::vector<float> gradients(count, 0.0f);
      gradients[count - 1] = std::numeric_limits<float>::quiet_NaN();
      UpdateStep step = unit.Step(Sgd{});
      step.clip_value = 1.0f;
      const std::shared_ptr<const UpdateRule> rule = Sgd{}.Rule();
      PreparedUpdate(*rule, step).Run(unit.Arrays(*rule, gradients));
      EXPECT_TRUE(std::isnan(unit.values[count - 1]));
      if (count > 1) {
        EXPECT_EQ(unit.values[0], 1.0f);
      }
    }
  });
}

TEST(Optimizer, FindsTheMinimumOfAQuadratic) {
  // f = Σ c·(w - t)² / 2
  const std::vector<float> curvature{1.0f, 10.0f, 0.1f};
  const std::vector<float> target{3.0f, -2.0f, 0.5f};
  for (const OptimizerConfig& config : std::vector<OptimizerConfig>{
           Sgd{.learning_rate = 0.15}, Sgd{.learning_rate = 0.05, .momentum = 0.9},
           Sgd{.learning_rate = 0.05, .momentum = 0.9, .nesterov = true},
           Adam{.learning_rate = 0.05}, AdamW{.learning_rate = 0.05, .weight_decay = 0.0},
           RmsProp{.learning_rate = 0.002}, RmsProp{.learning_rate = 0.0005, .momentum = 0.9}}) {
    Unit unit({0.0f, 0.0f, 0.0f});
    for (int step = 0; step < 4000; ++step) {
      std::vector<float> gradients;
      for (std::size_t i = 0; i < 3; ++i) {
        gradients.push_back(curvature[i] * (unit.values[i] - target[i]));
      }
      unit.Update(config, gradients);
    }
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(unit.values[i], target[i], 0.02) << "optimizer " << config.index();
    }
  }
}

TEST(Optimizer, FindsTheMinimumOfRosenbrocksValley) {
  for (const auto& [config, steps] : std::vector<std::pair<OptimizerConfig, int>>{
           {Sgd{.learning_rate = 1e-3}, 40000},
           {Sgd{.learning_rate = 2e-4, .momentum = 0.9}, 30000},
           {Sgd{.learning_rate = 2e-4, .momentum = 0.9, .nesterov = true}, 30000},
           {Adam{.learning_rate = 0.01}, 10000},
           {AdamW{.learning_rate = 0.01, .weight_decay = 0.0}, 10000},
           {RmsProp{.learning_rate = 5e-4}, 20000}}) {
    Unit unit({-1.2f, 1.0f});
    for (int step = 0; step < steps; ++step) {
      const float x = unit.values[0];
      const float y = unit.values[1];
      unit.Update(config, {-2.0f * (1.0f - x) - 400.0f * x * (y - x * x), 200.0f * (y - x * x)});
    }
    EXPECT_NEAR(unit.values[0], 1.0, 0.05) << "optimizer " << config.index();
    EXPECT_NEAR(unit.values[1], 1.0, 0.1) << "optimizer " << config.index();
  }
}

TEST(Optimizer, KeepsNoStateItDoesNotUse) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(Sgd{}.Rule()->StateNames(), Names{});
  EXPECT_EQ(Sgd{.momentum = 0.9}.Rule()->StateNames(), Names{"momentum_buffer"});
  EXPECT_EQ(Adam{}.Rule()->StateNames(), (Names{"exp_avg", "exp_avg_sq"}));
  EXPECT_EQ(AdamW{}.Rule()->StateNames(), (Names{"exp_avg", "exp_avg_sq"}));
  EXPECT_EQ(RmsProp{}.Rule()->StateNames(), Names{"square_avg"});
  EXPECT_EQ(RmsProp{.momentum = 0.5}.Rule()->StateNames(),
            (Names{"square_avg", "momentum_buffer"}));
}

// All in one test, so that a new one can't be without: its kind's name is its own, and each of
// its settings has a name.
template <typename... Kinds>
void CheckKinds(const std::variant<Kinds...>&) {
  std::set<std::string> kinds;
  const auto check = [&](auto optimizer) {
    SCOPED_TRACE(optimizer.kKind);
    EXPECT_TRUE(kinds.insert(optimizer.kKind).second);
    std::set<std::string> settings;
    std::size_t bytes = 0;
    optimizer.ForSettings([&](const char* name, auto& setting) {
      EXPECT_TRUE(settings.insert(name).second) << name;
      bytes += sizeof(setting);
    });
    EXPECT_TRUE(settings.contains("learning_rate") && settings.contains("weight_decay"));
    EXPECT_GT(bytes + alignof(decltype(optimizer)), sizeof(optimizer)) << "a field without a name";
    EXPECT_LE(optimizer.Rule()->StateNames().size(), kMostStateTensors);
  };
  (check(Kinds{}), ...);
}

TEST(Optimizer, KindsAndSettingsHaveNames) { CheckKinds(OptimizerConfig{}); }

TEST(Optimizer, RefusesSettingsOutOfRange) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const OptimizerConfig& config : std::vector<OptimizerConfig>{
           Sgd{.learning_rate = -1.0}, Sgd{.learning_rate = kNaN}, Sgd{.learning_rate = kInfinity},
           Sgd{.momentum = 1.0}, Sgd{.momentum = -0.1}, Sgd{.nesterov = true},
           Sgd{.weight_decay = -1.0}, Adam{.beta1 = 1.0}, Adam{.beta2 = 1.0}, Adam{.beta2 = kNaN},
           Adam{.epsilon = 0.0}, Adam{.epsilon = 1e-50}, AdamW{.beta1 = -0.1},
           AdamW{.epsilon = -1.0}, AdamW{.weight_decay = kNaN}, RmsProp{.alpha = 1.0},
           RmsProp{.epsilon = 0.0}, RmsProp{.momentum = 1.5}}) {
    try {
      CheckOptimizer(config);
      ADD_FAILURE() << "accepted, optimizer " << config.index();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  }
  CheckOptimizer(Sgd{.learning_rate = 0.0});
}

}  // namespace
}  // namespace espalier
