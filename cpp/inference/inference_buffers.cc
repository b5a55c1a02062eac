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

}  // namespace

InferenceBuffers::InferenceBuffers(const CompiledPlan& plan, std::int64_t batch, int workers)
    : batch_(batch),
      workers_(workers),
      arena_(CheckedMultiply(plan.arena_floats, batch)),
      alone_(1, ScratchFloats(plan, batch)) {
  if (workers > 1 && plan.CanUseWorkers(batch)) {
    together_.emplace(workers, ScratchFloats(plan, batch));
  }
  places_.reserve(plan.values.size());
  for (const PlanValue& value : plan.values) {
    places_.push_back(PlaceInArena(value));
  }
  std::size_t most_inputs = 0;
  for (const PlanStep& step : plan.steps) {
    most_inputs = std::max(most_inputs, step.inputs.size());
  }
  step_inputs_.resize(most_inputs);
  outputs_.resize(plan.outputs.size());
}

std::int64_t InferenceBuffers::NativeBytes() const {
  return arena_.bytes() + alone_.NativeBytes() + (together_ ? together_->NativeBytes() : 0);
}

void InferenceBuffers::TouchPages() {
  constexpr std::int64_t kPageFloats = 4096 / sizeof(float);
  for (std::int64_t i = 0; i < arena_.size(); i += kPageFloats) {
    *const_cast<volatile float*>(arena_.data() + i) = 0.0f;
  }
}

bool InferenceBuffers::GoesStraightToOutputs(const CompiledPlan& plan, const PlanStep& step) const {
  const PlanValue& value = plan.values[static_cast<std::size_t>(step.output)];
  const Place& first = outputs_[static_cast<std::size_t>(value.outputs[0])];
  if (first.stride != value.floats && !step.operation->is_strided()) {
    return false;
  }
  return std::all_of(value.outputs.begin(), value.outputs.end(), [&](int output) {
    const Place& place = outputs_[static_cast<std::size_t>(output)];
    return place.stride == first.stride &&
           place.data == first.data + plan.outputs[static_cast<std::size_t>(output)].offset;
  });
}

}  // namespace espalier
