// SPDX-License-Identifier: Apache-2.0
#include "inference/inference_plan.h"

#include <utility>

#include "core/checked.h"
#include "core/text.h"
#include "inference/compiled_plan.h"
#include "inference/inference_buffers.h"

namespace espalier {

InferencePlan::InferencePlan(const NetworkState& network, std::vector<int> inputs,
                             std::vector<int> outputs, std::int64_t max_batch,
                             const PlanOptions& options)
    : max_batch_(max_batch) {
  if (max_batch < 1) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected a batch of at least 1, got ",
         max_batch);
  }
  plan_ = std::make_unique<const CompiledPlan>(CompilePlan(network, inputs, outputs, options));
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

void InferencePlan::RunPixels(std::int64_t batch, const Pixels& pixels,
                              std::span<float* const> outputs, InferenceBuffers& buffers) const {
  const float* const none = nullptr;
  Execute(batch, {&none, 1}, &pixels, outputs, buffers, nullptr);
}

bool InferencePlan::ReadsPixels() const {
  // Whatever enters a plan in another form than it lies in there is read by its first step alone.
  return !plan_->steps.empty() && plan_->steps.front().inputs == plan_->inputs &&
         plan_->input_uses.size() == 1 && plan_->steps.front().operation->ReadsPixels();
}

void InferencePlan::Execute(std::int64_t batch, std::span<const float* const> inputs,
                            const Pixels* pixels, std::span<float* const> outputs,
                            InferenceBuffers& buffers, const BatchLengths* lengths) const {
  const CompiledPlan& plan = *plan_;
  if (batch < 1 || batch > buffers.batch_) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected a batch of 1 to ", buffers.batch_,
         ", got ", batch);
  }
  if (inputs.size() != plan.inputs.size() || outputs.size() != plan.output_count) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected ", plan.inputs.size(),
         " inputs and ", plan.output_count, " outputs, got ", inputs.size(), " and ",
         outputs.size());
  }
  for (const InputUse& use : plan.input_uses) {
    buffers.step_inputs_[use.reader] = inputs[use.input];
  }
  buffers.order_ = Opposite(buffers.order_);
  OperationCall* call = buffers.calls_.data();
  for (const PlanStep& step : plan.steps) {
    call->batch = batch;
    call->order = buffers.order_;
    call->pixels = pixels;
    pixels = nullptr;  // only the first step reads them
    if (step.place) call->output = outputs[step.place->index] + step.place->offset;
    std::int64_t full_batch = batch;  // that would be as much work
    if (plan.varies) {
      const PlanValue& output = plan.values[static_cast<std::size_t>(step.output)];
      call->lengths = lengths;
      call->output_stride =
          output.length.Cut(step.place ? step.place->stride : output.floats, lengths);
      full_batch = batch * step.length.In(lengths) / step.length.all;
    }
    if (buffers.together_) {
      call->workspace = full_batch >= step.shared_batch ? &*buffers.together_ : &buffers.alone_;
    }
    step.operation->Run(*call++);
  }
}

bool InferencePlan::CanUseWorkers(std::int64_t batch) const { return plan_->CanUseWorkers(batch); }

std::int64_t InferencePlan::floats_per_example() const { return plan_->arena_floats; }

std::int64_t InferencePlan::NativeBytes() const {
  std::int64_t bytes = 0;
  for (const PlanStep& step : plan_->steps) {
    bytes += step.operation->NativeBytes();
  }
  return bytes;
}

std::int64_t InferencePlan::work() const {
  std::int64_t work = 0;
  for (const PlanStep& step : plan_->steps) {
    work = SaturatedAdd(work, step.operation->work());
  }
  return work;
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
