// SPDX-License-Identifier: Apache-2.0
#include "inference/inference_plan.h"

#include <algorithm>
#include <utility>

#include "core/checked.h"
#include "core/text.h"
#include "inference/inference_run.h"
#include "inference/plan_compiler.h"

namespace espalier {
namespace {

// Multiply-adds for which a thread is worth its waking.
constexpr std::int64_t kPartWork = 1'000'000;

// How often a thread that runs all steps should use each weight that it reads, at least: threads
// that share an operation read the weights once together, those that share a batch once each.
constexpr std::int64_t kWeightUses = 16;

}  // namespace

InferencePlan::InferencePlan(const NetworkState& network, std::vector<int> inputs,
                             std::vector<int> outputs, std::int64_t max_batch,
                             const PlanOptions& options)
    : max_batch_(max_batch) {
  if (max_batch < 1) {
    Fail(ErrorCode::kInvalidArgument, "inference plan: expected a batch of at least 1, got ",
         max_batch);
  }
  content_ = CompilePlan(network, inputs, outputs, options);
  for (const PlanStep& step : content_.steps) {
    weight_bytes_ += step.operation->NativeBytes();
    work_ = SaturatedAdd(work_, step.work);
  }
}

std::unique_ptr<InferenceRun> InferencePlan::MakeRun(int workers) const {
  return MakeRun(workers, max_batch_);
}

std::unique_ptr<InferenceRun> InferencePlan::MakeRun(int workers, std::int64_t batch) const {
  return std::make_unique<InferenceRun>(*this, batch, workers);
}

bool InferencePlan::ReadsPixels() const {
  // Whatever enters a plan in another form than it lies in there is read by its first step alone.
  const std::vector<PlanStep>& steps = content_.steps;
  return !steps.empty() && steps.front().inputs == content_.inputs &&
         content_.input_uses.size() == 1 && steps.front().operation->ReadsPixels();
}

bool InferencePlan::CanUseWorkers(std::int64_t batch) const {
  return batch / 2 >= LeastPart(nullptr) ||
         std::any_of(content_.steps.begin(), content_.steps.end(),
                     [&](const PlanStep& step) { return batch >= step.shared_batch; });
}

std::int64_t InferencePlan::LeastPart(const BatchLengths* lengths) const {
  std::int64_t work = work_;
  if (content_.varies && lengths != nullptr) {
    work = 0;
    for (const PlanStep& step : content_.steps) {
      work = SaturatedAdd(work, step.length.Cut(step.work, lengths));
    }
  }
  const std::int64_t weights = weight_bytes_ / static_cast<std::int64_t>(sizeof(float));
  return std::max(kPartWork, kWeightUses * weights) / std::max<std::int64_t>(1, work) + 1;
}

std::string InferencePlan::Describe() const {
  std::string text;
  for (const PlanStep& step : content_.steps) {
    text += step.name + "\n";
  }
  return text;
}

std::string InferencePlan::DescribeKernels() const {
  std::string text;
  for (const PlanStep& step : content_.steps) {
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
