// SPDX-License-Identifier: Apache-2.0
#include "inference/plan_with_run.h"

#include <algorithm>
#include <utility>

#include "core/checked.h"
#include "core/thread_pool.h"

namespace espalier {
namespace {

std::int64_t PieceOf(const InferencePlan& plan) {
  const std::int64_t bytes =
      std::max<std::int64_t>(1, CheckedMultiply(plan.floats_per_example(), sizeof(float)));
  return std::clamp<std::int64_t>(std::max(kPieceBytes, plan.NativeBytes()) / bytes, 1,
                                  plan.max_batch());
}

}  // namespace

PlanWithRun::PlanWithRun(const NetworkState& network, std::vector<int> inputs,
                         std::vector<int> outputs, std::int64_t max_batch,
                         const PlanOptions& options)
    : plan_(network, std::move(inputs), std::move(outputs), max_batch, options),
      piece_(PieceOf(plan_)),
      run_(plan_.MakeRun(ThreadPool::Shared().thread_count(), piece_)) {}

void PlanWithRun::Run(std::int64_t batch, std::span<const float* const> inputs,
                      std::span<float* const> outputs, const BatchLengths* lengths) {
  const int workers = ThreadPool::Shared().thread_count();
  if (workers != run_->workers()) run_ = plan_.MakeRun(workers, piece_);
  plan_.Run(batch, inputs, outputs, *run_, lengths);
}

}  // namespace espalier
