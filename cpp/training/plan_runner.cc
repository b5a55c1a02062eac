// SPDX-License-Identifier: Apache-2.0
#include "training/plan_runner.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/checked.h"
#include "core/thread_pool.h"

namespace espalier {
namespace {

std::vector<std::int64_t> FloatsOf(const NetworkState& network, const std::vector<int>& values) {
  std::vector<std::int64_t> floats;
  for (const int value : values) floats.push_back(network.value(value).shape.element_count());
  return floats;
}

std::vector<int> AllInputs(const NetworkState& network) {
  std::vector<int> inputs(network.inputs.size());
  std::iota(inputs.begin(), inputs.end(), 0);
  return inputs;
}

std::vector<std::int64_t> OutputFloats(const NetworkState& network, const std::vector<int>& outputs,
                                       const PlanOptions& options) {
  std::vector<std::int64_t> floats = FloatsOf(network, outputs);
  if (options.outputs == PlanOutputs::kSideBySide) {
    floats.assign(1, std::accumulate(floats.begin(), floats.end(), std::int64_t{0}));
  }
  return floats;
}

std::int64_t PieceOf(const InferencePlan& plan) {
  const std::int64_t bytes =
      std::max<std::int64_t>(1, CheckedMultiply(plan.floats_per_example(), sizeof(float)));
  return std::clamp<std::int64_t>(std::max(kPieceBytes, plan.NativeBytes()) / bytes, 1,
                                  plan.max_batch());
}

}  // namespace

PlanRunner::PlanRunner(const NetworkState& network, std::vector<int> inputs,
                       std::vector<int> outputs, std::int64_t max_batch, const PlanOptions& options)
    : input_floats_(FloatsOf(network, inputs.empty() ? AllInputs(network) : inputs)),
      output_floats_(OutputFloats(network, outputs, options)),
      plan_(network, std::move(inputs), std::move(outputs), max_batch, options),
      piece_(PieceOf(plan_)),
      workers_(ThreadPool::Shared().thread_count()),
      buffers_(plan_.MakeBuffers(workers_, piece_)),
      piece_inputs_(input_floats_.size()),
      piece_outputs_(output_floats_.size()) {}

void PlanRunner::Run(std::int64_t batch, std::span<const float* const> inputs,
                     std::span<float* const> outputs) {
  const int workers = ThreadPool::Shared().thread_count();
  if (workers != workers_) {
    buffers_ = plan_.MakeBuffers(workers, piece_);
    workers_ = workers;
  }
  for (std::int64_t done = 0; done < batch; done += piece_) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      piece_inputs_[i] = inputs[i] + done * input_floats_[i];
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      piece_outputs_[i] = outputs[i] + done * output_floats_[i];
    }
    plan_.Run(std::min(piece_, batch - done), piece_inputs_, piece_outputs_, *buffers_);
  }
}

std::int64_t PlanRunner::NativeBytes() const {
  return plan_.NativeBytes() + buffers_->NativeBytes();
}

}  // namespace espalier
