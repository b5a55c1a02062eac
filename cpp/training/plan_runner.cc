// SPDX-License-Identifier: Apache-2.0
#include "training/plan_runner.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/checked.h"
#include "core/thread_pool.h"

namespace espalier {
namespace {

std::vector<int> AllInputs(const NetworkState& network) {
  std::vector<int> inputs(network.inputs.size());
  std::iota(inputs.begin(), inputs.end(), 0);
  return inputs;
}

std::int64_t PieceOf(const InferencePlan& plan) {
  const std::int64_t bytes =
      std::max<std::int64_t>(1, CheckedMultiply(plan.floats_per_example(), sizeof(float)));
  return std::clamp<std::int64_t>(std::max(kPieceBytes, plan.NativeBytes()) / bytes, 1,
                                  plan.max_batch());
}

}  // namespace

std::vector<PlanRunner::Part> PlanRunner::PartsOf(const NetworkState& network,
                                                  const std::vector<int>& values) {
  std::vector<Part> parts;
  for (const int index : values) {
    const GraphValue& value = network.value(index);
    parts.push_back({.floats = value.shape.element_count(), .length = value.length});
  }
  return parts;
}

std::vector<PlanRunner::Part> PlanRunner::OutputParts(const NetworkState& network,
                                                      const std::vector<int>& outputs,
                                                      const PlanOptions& options) {
  const std::vector<Part> parts = PartsOf(network, outputs);
  if (options.outputs == PlanOutputs::kSeparate) return parts;
  Part all;
  for (const Part& part : parts) all.floats += part.floats;
  return {all};
}

PlanRunner::PlanRunner(const NetworkState& network, std::vector<int> inputs,
                       std::vector<int> outputs, std::int64_t max_batch, const PlanOptions& options)
    : inputs_(PartsOf(network, inputs.empty() ? AllInputs(network) : inputs)),
      outputs_(OutputParts(network, outputs, options)),
      plan_(network, std::move(inputs), std::move(outputs), max_batch, options),
      piece_(PieceOf(plan_)),
      workers_(ThreadPool::Shared().thread_count()),
      buffers_(plan_.MakeBuffers(workers_, piece_)),
      piece_inputs_(inputs_.size()),
      piece_outputs_(outputs_.size()) {}

void PlanRunner::Run(std::int64_t batch, std::span<const float* const> inputs,
                     std::span<float* const> outputs, const BatchLengths* lengths) {
  const int workers = ThreadPool::Shared().thread_count();
  if (workers != workers_) {
    buffers_ = plan_.MakeBuffers(workers, piece_);
    workers_ = workers;
  }
  for (std::int64_t done = 0; done < batch; done += piece_) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      piece_inputs_[i] = inputs[i] + done * inputs_[i].length.Cut(inputs_[i].floats, lengths);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      piece_outputs_[i] = outputs[i] + done * outputs_[i].length.Cut(outputs_[i].floats, lengths);
    }
    plan_.Run(std::min(piece_, batch - done), piece_inputs_, piece_outputs_, *buffers_, lengths);
  }
}

std::int64_t PlanRunner::NativeBytes() const {
  return plan_.NativeBytes() + buffers_->NativeBytes();
}

}  // namespace espalier
