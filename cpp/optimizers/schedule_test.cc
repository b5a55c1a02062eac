// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "espalier/error.h"
#include "espalier/optimizer.h"

namespace espalier {
namespace {

void ExpectFactors(const Schedule& schedule, const std::vector<double>& expected) {
  for (std::size_t step = 0; step < expected.size(); ++step) {
    EXPECT_NEAR(ScheduleFactor(schedule, static_cast<std::int64_t>(step)), expected[step], 1e-12)
        << "step " << step;
  }
}

// The expected numbers are PyTorch's (testdata/optimizer_steps.py).

TEST(Schedule, IsConstantByDefault) {
  ExpectFactors({}, {1.0, 1.0, 1.0});
  EXPECT_EQ(ScheduleFactor({}, 1000000), 1.0);
}

TEST(Schedule, StepsDown) {
  ExpectFactors({.kind = ScheduleKind::kStep, .step_size = 3, .decay = 0.5},
                {1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25});
}

TEST(Schedule, DecaysExponentially) {
  ExpectFactors({.kind = ScheduleKind::kExponential, .decay = 0.9},
                {1.0, 0.9, 0.81, 0.7290000000000001});
}

TEST(Schedule, FollowsHalfACosine) {
  const Schedule schedule{.kind = ScheduleKind::kCosine, .total_steps = 8, .final_factor = 0.1};
  ExpectFactors(schedule, {1.0, 0.9657457896300791, 0.8681980515339464, 0.7222075445642905, 0.55,
                           0.3777924554357097, 0.2318019484660537, 0.134254210369921, 0.1});
  EXPECT_NEAR(ScheduleFactor(schedule, 100), 0.1, 1e-15);
}

TEST(Schedule, FollowsOneCycle) {
  const Schedule schedule{.kind = ScheduleKind::kOneCycle, .total_steps = 10, .final_factor = 4e-6};
  ExpectFactors(schedule,
                {0.04, 0.52, 1.0, 0.9504846320134737, 0.8117456539497631, 0.6112620219362893,
                 0.38874197806371075, 0.18825834605023697, 0.049519367986526286, 4e-06});
  EXPECT_NEAR(ScheduleFactor(schedule, 100), 4e-6, 1e-15);
}

TEST(Schedule, OneCycleOfFewStepsIsFinite) {
  for (std::int64_t total = 1; total <= 4; ++total) {
    for (const double peak : {0.0, 0.3, 1.0}) {
      const Schedule schedule{
          .kind = ScheduleKind::kOneCycle, .total_steps = total, .peak_fraction = peak};
      for (std::int64_t step = 0; step < total + 2; ++step) {
        const double factor = ScheduleFactor(schedule, step);
        EXPECT_GE(factor, 0.0);
        EXPECT_LE(factor, 1.0);
      }
    }
  }
}

TEST(Schedule, WarmsUpBeforeAny) {
  ExpectFactors({.warmup_steps = 3}, {0.25, 0.5, 0.75, 1.0, 1.0});
  // The schedule itself starts after it, and ends at the same last step.
  ExpectFactors({.kind = ScheduleKind::kCosine, .total_steps = 5, .warmup_steps = 1},
                {0.5, 1.0, 0.8535533905932737, 0.5, 0.1464466094067263, 0.0});
  ExpectFactors({.kind = ScheduleKind::kStep, .step_size = 2, .decay = 0.5, .warmup_steps = 1},
                {0.5, 1.0, 1.0, 0.5, 0.5});
}

TEST(Schedule, WarmsUpOverTheMostStepsThereAre) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(ScheduleFactor({.warmup_steps = most}, 0), 0x1p-63);
  EXPECT_EQ(ScheduleFactor({.warmup_steps = most}, most - 1), 1.0);
}

TEST(Schedule, RefusesSettingsOutOfRange) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  for (const Schedule& schedule : std::vector<Schedule>{
           {.kind = ScheduleKind::kCosine},
           {.kind = ScheduleKind::kOneCycle, .total_steps = 5, .warmup_steps = 5},
           {.kind = ScheduleKind::kStep, .step_size = 0},
           {.kind = ScheduleKind::kExponential, .decay = 0.0},
           {.kind = ScheduleKind::kExponential, .decay = kNaN},
           {.kind = ScheduleKind::kStep, .decay = 1.5},
           {.kind = ScheduleKind::kCosine, .total_steps = 5, .final_factor = -0.1},
           {.kind = ScheduleKind::kOneCycle, .total_steps = 5, .initial_factor = 2.0},
           {.kind = ScheduleKind::kOneCycle, .total_steps = 5, .peak_fraction = kNaN},
           {.warmup_steps = -1}}) {
    EXPECT_THROW(ScheduleFactor(schedule, 0), Error);
  }
  EXPECT_THROW(ScheduleFactor({}, -1), Error);
}

TEST(Schedule, NamesBothWhereTheWarmUpIsTooLong) {
  try {
    ScheduleFactor({.kind = ScheduleKind::kCosine, .total_steps = 40, .warmup_steps = 100}, 0);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "INVALID_ARGUMENT: schedule: expected more steps than the 100 of the warm-up, got "
                 "40 in all");
  }
}

}  // namespace
}  // namespace espalier
