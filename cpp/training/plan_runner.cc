// SPDX-License-Identifier: Apache-2.0
#include "training/plan_runner.h"

#include <utility>

#include "core/thread_pool.h"

namespace espalier {

PlanRunner::PlanRunner(const NetworkState& network, std::vector<int> inputs,
                       std::vector<int> outputs, std::int64_t max_batch, const PlanOptions& options)
    : plan_(network, std::move(inputs), std::move(outputs), max_batch, options),
      workers_(ThreadPool::Shared().thread_count()),
      buffers_(plan_.MakeBuffers(workers_)) {}

void PlanRunner::Run(std::int64_t batch, std::span<const float* const> inputs,
                     std::span<float* const> outputs) {
  const int workers = ThreadPool::Shared().thread_count();
  if (workers != workers_) {
    buffers_ = plan_.MakeBuffers(workers);
    workers_ = workers;
  }
  plan_.Run(batch, inputs, outputs, *buffers_);
}

std::int64_t PlanRunner::NativeBytes() const {
  return plan_.NativeBytes() + buffers_->NativeBytes();
}

}  // namespace espalier
