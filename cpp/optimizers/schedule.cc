// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/text.h"
#include "espalier/optimizer.h"

namespace espalier {
namespace {

template <typename Value>
void Require(bool holds, const char* name, const char* expected, Value got) {
  if (!holds) {
    Fail(ErrorCode::kInvalidArgument, "schedule ", name, ": expected ", expected, ", got ", got);
  }
}

void Check(const Schedule& schedule, std::int64_t step) {
  Require(step >= 0, "step", "at least 0", step);
  Require(schedule.warmup_steps >= 0, "warmup_steps", "at least 0", schedule.warmup_steps);
  const auto is_fraction = [](double value) { return value >= 0.0 && value <= 1.0; };
  switch (schedule.kind) {
    case ScheduleKind::kConstant:
      return;
    case ScheduleKind::kStep:
      Require(schedule.step_size >= 1, "step_size", "at least 1", schedule.step_size);
      [[fallthrough]];
    case ScheduleKind::kExponential:
      Require(schedule.decay > 0.0 && schedule.decay <= 1.0, "decay", "a number in (0, 1]",
              schedule.decay);
      return;
    case ScheduleKind::kOneCycle:
      Require(is_fraction(schedule.initial_factor), "initial_factor", "a number in [0, 1]",
              schedule.initial_factor);
      Require(is_fraction(schedule.peak_fraction), "peak_fraction", "a number in [0, 1]",
              schedule.peak_fraction);
      [[fallthrough]];
    case ScheduleKind::kCosine:
      Require(is_fraction(schedule.final_factor), "final_factor", "a number in [0, 1]",
              schedule.final_factor);
      if (schedule.total_steps <= schedule.warmup_steps) {
        Fail(ErrorCode::kInvalidArgument, "schedule: expected more steps than the ",
             schedule.warmup_steps, " of the warm-up, got ", schedule.total_steps, " in all");
      }
      return;
  }
}

// Half a cosine: `from` at fraction 0, `to` at 1.
double Anneal(double from, double to, double fraction) {
  return to + (from - to) * 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(fraction, 1.0)));
}

// The peak and the last step lie where PyTorch's OneCycleLR puts them.
double OneCycle(const Schedule& schedule, double step, double steps) {
  const double peak = std::max(0.0, schedule.peak_fraction * steps - 1.0);
  const double last = steps - 1.0;
  if (step < peak) return Anneal(schedule.initial_factor, 1.0, step / peak);
  if (last <= peak) return step > last ? schedule.final_factor : 1.0;
  return Anneal(1.0, schedule.final_factor, (step - peak) / (last - peak));
}

double FactorAfterWarmup(const Schedule& schedule, std::int64_t step) {
  const auto t = static_cast<double>(step);
  const auto steps = static_cast<double>(schedule.total_steps - schedule.warmup_steps);
  switch (schedule.kind) {
    case ScheduleKind::kConstant:
      return 1.0;
    case ScheduleKind::kStep:
      return std::pow(schedule.decay, static_cast<double>(step / schedule.step_size));
    case ScheduleKind::kExponential:
      return std::pow(schedule.decay, t);
    case ScheduleKind::kCosine:
      return Anneal(1.0, schedule.final_factor, t / steps);
    case ScheduleKind::kOneCycle:
      return OneCycle(schedule, t, steps);
  }
  return 1.0;
}

}  // namespace

double ScheduleFactor(const Schedule& schedule, std::int64_t step) {
  Check(schedule, step);
  if (step >= schedule.warmup_steps) {
    return FactorAfterWarmup(schedule, step - schedule.warmup_steps);
  }
  // Added in double: one more than the most steps is no int64.
  return FactorAfterWarmup(schedule, 0) * (static_cast<double>(step) + 1.0) /
         (static_cast<double>(schedule.warmup_steps) + 1.0);
}

}  // namespace espalier
