// SPDX-License-Identifier: Apache-2.0
#include "inference/inference_plan.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "inference/compiled_plan.h"
#include "inference/inference_buffers.h"

namespace espalier {

InferencePlan::InferencePlan(const NetworkState& network, std::vector<int> inputs,
                             std::vector<int> outputs, std::int64_t max_batch, PlanBorder border,
                             Precision precision)
    : max_batch_(max_batch) {
  if (max_batch < 1) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected a batch of at least 1, got ",
         max_batch);
  }
  plan_ = std::make_unique<const CompiledPlan>(
      CompilePlan(network, inputs, outputs, border, precision));
}

InferencePlan::~InferencePlan() = default;
InferencePlan::InferencePlan(InferencePlan&&) noexcept = default;
InferencePlan& InferencePlan::operator=(InferencePlan&&) noexcept = default;

std::unique_ptr<InferenceBuffers> InferencePlan::MakeBuffers(int workers) const {
  return MakeBuffers(workers, max_batch_);
}

std::unique_ptr<InferenceBuffers> InferencePlan::MakeBuffers(int workers,
                                                             std::int64_t batch) const {
  return std::make_unique<InferenceBuffers>(*plan_, batch, workers);
}

void InferencePlan::Run(std::int64_t batch, std::span<const float* const> inputs,
                        std::span<float* const> outputs, InferenceBuffers& buffers) const {
  CheckRun(batch, inputs.size(), buffers);
  if (outputs.size() != plan_->outputs.size()) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected ", plan_->outputs.size(),
         " outputs, got ", outputs.size());
  }
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    buffers.outputs_[o] = {.data = outputs[o], .stride = plan_->outputs[o].floats};
  }
  Execute(batch, inputs, nullptr, buffers);
}

void InferencePlan::RunSideBySide(std::int64_t batch, std::span<const float* const> inputs,
                                  float* rows, InferenceBuffers& buffers) const {
  CheckRun(batch, inputs.size(), buffers);
  PlaceSideBySide(rows, buffers);
  Execute(batch, inputs, nullptr, buffers);
}

void InferencePlan::RunPixelsSideBySide(std::int64_t batch, const Pixels& pixels, float* rows,
                                        InferenceBuffers& buffers) const {
  const float* const none = nullptr;
  CheckRun(batch, 1, buffers);
  PlaceSideBySide(rows, buffers);
  Execute(batch, {&none, 1}, &pixels, buffers);
}

bool InferencePlan::ReadsPixels() const {
  // Whatever enters a plan in another form than it lies in there is read by its first step alone.
  return !plan_->steps.empty() && plan_->steps.front().inputs == plan_->inputs &&
         plan_->steps.front().operation->ReadsPixels();
}

void InferencePlan::PlaceSideBySide(float* rows, InferenceBuffers& buffers) const {
  std::int64_t width = 0;
  for (const PlanOutput& output : plan_->outputs) {
    width += output.floats;
  }
  for (std::size_t o = 0; o < plan_->outputs.size(); ++o) {
    buffers.outputs_[o] = {.data = rows, .stride = width};
    rows += plan_->outputs[o].floats;
  }
}

void InferencePlan::CheckRun(std::int64_t batch, std::size_t inputs,
                             const InferenceBuffers& buffers) const {
  if (batch < 1 || batch > buffers.batch_) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected a batch of 1 to ", buffers.batch_,
         ", got ", batch);
  }
  if (inputs != plan_->inputs.size()) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected ", plan_->inputs.size(),
         " inputs, got ", inputs);
  }
}

void InferencePlan::Execute(std::int64_t batch, std::span<const float* const> inputs,
                            const Pixels* pixels, InferenceBuffers& buffers) const {
  const CompiledPlan& plan = *plan_;
  std::vector<InferenceBuffers::Place>& places = buffers.places_;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // Operations only read inputs.
    places[static_cast<std::size_t>(plan.inputs[i])].data = const_cast<float*>(inputs[i]);
  }
  buffers.order_ = Opposite(buffers.order_);
  for (const PlanStep& step : plan.steps) {
    const PlanValue& value = plan.values[static_cast<std::size_t>(step.output)];
    InferenceBuffers::Place& target = places[static_cast<std::size_t>(step.output)];
    if (!value.outputs.empty()) {
      target = buffers.GoesStraightToOutputs(plan, step)
                   ? buffers.outputs_[static_cast<std::size_t>(value.outputs[0])]
                   : buffers.PlaceInArena(value);
    }
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      buffers.step_inputs_[i] = places[static_cast<std::size_t>(step.inputs[i])].data;
    }
    const bool is_shared = buffers.together_.has_value() && step.IsShared(batch);
    step.operation->Run({.batch = batch,
                         .inputs = {buffers.step_inputs_.data(), step.inputs.size()},
                         .pixels = &step == plan.steps.data() ? pixels : nullptr,
                         .output = target.data,
                         .output_stride = target.stride,
                         .workspace = is_shared ? &*buffers.together_ : &buffers.alone_,
                         .order = buffers.order_});
  }
  for (std::size_t o = 0; o < plan.outputs.size(); ++o) {
    const PlanOutput& output = plan.outputs[o];
    const InferenceBuffers::Place& place = places[static_cast<std::size_t>(output.value)];
    const InferenceBuffers::Place& wanted = buffers.outputs_[o];
    const float* from = place.data + output.offset;
    if (from == wanted.data) {
      continue;
    }
    for (std::int64_t i = 0; i < batch; ++i) {
      std::copy_n(from + i * place.stride, output.floats, wanted.data + i * wanted.stride);
    }
  }
}

std::int64_t InferencePlan::floats_per_example() const { return plan_->arena_floats; }

std::int64_t InferencePlan::NativeBytes() const {
  std::int64_t bytes = 0;
  for (const PlanStep& step : plan_->steps) {
    bytes += step.operation->NativeBytes();
  }
  return bytes;
}

std::string InferencePlan::Describe() const {
  std::string text;
  for (const PlanStep& step : plan_->steps) {
    text += step.name + "\n";
  }
  return text;
}

std::string InferencePlan::DescribeKernels() const {
  std::string text;
  for (const PlanStep& step : plan_->steps) {
    const std::string kernel = step.operation->Kernel();
    const std::int64_t bytes = step.operation->NativeBytes();
    text += step.name;
    if (!kernel.empty()) text += ": " + kernel;
    if (bytes > 0) text += Concat(kernel.empty() ? ": " : ", ", bytes, " bytes");
    text += "\n";
  }
  return text;
}

}  // namespace espalier
