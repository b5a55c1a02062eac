// SPDX-License-Identifier: Apache-2.0
#include "inference/inference_buffers.h"

#include <algorithm>

#include "core/checked.h"

namespace espalier {
namespace {

std::int64_t ScratchFloats(const CompiledPlan& plan, std::int64_t batch) {
  std::int64_t floats = 0;
  for (const PlanStep& step : plan.steps) {
    floats = std::max(floats, step.operation->ScratchFloats(batch));
  }
  return floats;
}

std::int64_t TemporaryFloats(const CompiledPlan& plan, std::int64_t batch) {
  std::int64_t floats = 0;
  for (const PlanStep& step : plan.steps) {
    floats = std::max(floats, step.operation->TemporaryFloats(batch));
  }
  return floats;
}

}  // namespace

InferenceBuffers::InferenceBuffers(const CompiledPlan& plan, std::int64_t batch, int workers)
    : batch_(batch),
      workers_(workers),
      arena_(CheckedMultiply(plan.arena_floats, batch)),
      temporary_(TemporaryFloats(plan, batch)),
      alone_(1, ScratchFloats(plan, batch)) {
  if (workers > 1 && plan.CanUseWorkers(batch)) {
    together_.emplace(workers, ScratchFloats(plan, batch));
  }
  std::size_t readers = 0;
  for (const PlanStep& step : plan.steps) readers += step.inputs.size();
  step_inputs_.reserve(readers);
  const auto in_arena = [&](int value) {
    return arena_.data() + plan.values[static_cast<std::size_t>(value)].offset * batch_;
  };
  for (const PlanStep& step : plan.steps) {
    const float* const* inputs = step_inputs_.data() + step_inputs_.size();
    for (const int value : step.inputs) step_inputs_.push_back(in_arena(value));
    const std::int64_t floats = plan.values[static_cast<std::size_t>(step.output)].floats;
    calls_.push_back({.inputs = {inputs, step.inputs.size()},
                      .output = in_arena(step.output),
                      .output_stride = step.place ? step.place->stride : floats,
                      .temporary = temporary_.data(),
                      .workspace = &alone_});
  }
}

std::int64_t InferenceBuffers::NativeBytes() const {
  return arena_.bytes() + temporary_.bytes() + alone_.NativeBytes() +
         (together_ ? together_->NativeBytes() : 0);
}

void InferenceBuffers::TouchPages() {
  constexpr std::int64_t kPageFloats = 4096 / sizeof(float);
  for (std::int64_t i = 0; i < arena_.size(); i += kPageFloats) {
    *const_cast<volatile float*>(arena_.data() + i) = 0.0f;
  }
}

}  // namespace espalier
